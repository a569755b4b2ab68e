/* SPDX-License-Identifier: Apache-2.0 */
/* What a record says about the machine and its software: an allow-list. No environment block, no
 * credentials, no user and host names. */
#ifndef MLB_SYSTEM_ENVIRONMENT_H
#define MLB_SYSTEM_ENVIRONMENT_H

#include <stddef.h>
#include <stdint.h>

/* Calls `add(user, name, value)` for each fact that is known: kernel, os, cpu_model, cpu_flags
 * (only those that decide speed: avx2 avx512f avx512_bf16 avx512_vnni amx_tile amx_bf16 amx_int8),
 * hypervisor, memory_bytes (the cgroup's limit where that is less), transparent_hugepages,
 * cpu_governor, container ("docker", "kubernetes", "podman", "apptainer" or absent), dmi_vendor,
 * dmi_product, compiler, build_type, cuda_build, cuda_architectures, hwloc, nvidia_driver, and of
 * the variables that change results, those that are set, as env.NAME: OMP_NUM_THREADS OMP_PROC_BIND
 * OMP_WAIT_POLICY DNNL_MAX_CPU_ISA ONEDNN_MAX_CPU_ISA NVIDIA_TF32_OVERRIDE CUDA_VISIBLE_DEVICES
 * CUDA_LAUNCH_BLOCKING CUDA_DEVICE_MAX_CONNECTIONS NCCL_ALGO NCCL_PROTO NCCL_NET NCCL_IB_HCA
 * NCCL_IB_DISABLE NCCL_P2P_DISABLE NCCL_SHM_DISABLE NCCL_NVLS_ENABLE NCCL_SOCKET_IFNAME
 * OMPI_MCA_btl OMPI_MCA_pml. */
void mlb_environment_facts(void (*add)(void *user, const char *name, const char *value),
                           void *user);

/* The same of recorded files: `root` stands before every path of a file ("" = this machine). */
void mlb_environment_facts_of(const char *root,
                              void (*add)(void *user, const char *name, const char *value),
                              void *user);

uint64_t mlb_environment_memory_available_of(const char *root);
uint64_t mlb_environment_memory_available(void); /* bytes; cgroup limit respected; 0 = unknown */

#endif
