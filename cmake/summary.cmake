# SPDX-License-Identifier: Apache-2.0
message(STATUS "mlbench ${PROJECT_VERSION}: CUDA ${MLBENCH_HAVE_CUDA}")
