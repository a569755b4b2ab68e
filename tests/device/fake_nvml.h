/* SPDX-License-Identifier: Apache-2.0 */
/* What the stand-in for libnvidia-ml.so.1 answers. The test finds it by dlsym("fake_nvml"). */
#ifndef MLB_TESTS_FAKE_NVML_H
#define MLB_TESTS_FAKE_NVML_H

/* Codes other than 0 come back from the calls. Numbers are in NVML's units. */
struct fake_nvml {
    int init_code, device_code, reading_code;
    int started; /* init minus shutdown */
    unsigned sm_mhz, memory_mhz, max_mhz, power_mw, limit_mw, celsius;
    unsigned long long energy_mj, reasons, power_ns, thermal_ns, board_ns, reliability_ns, ecc;
    unsigned default_mw, memory_celsius, power_now_mw; /* 0: the field is not supported */
    unsigned remapped, processes, others_sm;           /* others_sm: percent of another process */
    unsigned links, links_up;
    unsigned own_pid; /* as the driver numbers this process; 0 = hidden */
};

/* Figures as of an H200 in a dense GEMM. */
#define FAKE_NVML_AT_START                                                                         \
    {                                                                                              \
        .sm_mhz = 1530, .memory_mhz = 3201, .max_mhz = 1980, .power_mw = 698500,                   \
        .limit_mw = 700000, .celsius = 67, .energy_mj = 123456789, .reasons = 0x4,                 \
        .default_mw = 700000, .processes = 1,                                                      \
    }

#endif
