/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN 2 and 3 in one shape. In version 2 a memory descriptor is a struct and a matmul is
 * described by an operation descriptor first; in version 3 descriptors are handles that must be
 * destroyed. */
#ifndef MLB_KERNELS_GEMM_ONEDNN_COMPAT_H
#define MLB_KERNELS_GEMM_ONEDNN_COMPAT_H

#include <oneapi/dnnl/dnnl.h>
#include <stddef.h>

/* f32 is multiplied as f32. Before version 2.6 (Ubuntu 22.04 has 2.2) it always was, and there is
 * no call to ask for it. */
static inline dnnl_status_t onednn_strict(dnnl_primitive_attr_t attributes)
{
#if DNNL_VERSION_MAJOR >= 3 || DNNL_VERSION_MINOR >= 6
    return dnnl_primitive_attr_set_fpmath_mode(attributes, dnnl_fpmath_mode_strict);
#else
    (void)attributes;
    return dnnl_success;
#endif
}

/* Zero-initialise; onednn_layout_free accepts that. */
struct onednn_layout {
    dnnl_memory_desc_t desc;
};

#if DNNL_VERSION_MAJOR >= 3

static inline dnnl_status_t onednn_layout_strided(struct onednn_layout *layout, int count,
                                                  const dnnl_dim_t *dims, dnnl_data_type_t type,
                                                  const dnnl_dim_t *strides)
{
    return dnnl_memory_desc_create_with_strides(&layout->desc, count, dims, type, strides);
}

static inline dnnl_status_t onednn_layout_any(struct onednn_layout *layout, int count,
                                              const dnnl_dim_t *dims, dnnl_data_type_t type)
{
    return dnnl_memory_desc_create_with_tag(&layout->desc, count, dims, type, dnnl_format_tag_any);
}

/* The layout that a primitive wants its weights in. */
static inline dnnl_status_t onednn_layout_weights(struct onednn_layout *layout,
                                                  const_dnnl_primitive_desc_t primitive)
{
    return dnnl_memory_desc_clone(
        &layout->desc, dnnl_primitive_desc_query_md(primitive, dnnl_query_weights_md, 0));
}

static inline size_t onednn_layout_bytes(const struct onednn_layout *layout)
{
    return dnnl_memory_desc_get_size(layout->desc);
}

static inline void onednn_layout_free(struct onednn_layout *layout)
{
    if (layout->desc)
        dnnl_memory_desc_destroy(layout->desc);
    layout->desc = NULL;
}

static inline dnnl_status_t onednn_memory(dnnl_memory_t *memory, const struct onednn_layout *layout,
                                          dnnl_engine_t engine, void *data)
{
    return dnnl_memory_create(memory, layout->desc, engine, data);
}

static inline dnnl_status_t onednn_matmul(dnnl_primitive_desc_t *primitive, dnnl_engine_t engine,
                                          const struct onednn_layout *a,
                                          const struct onednn_layout *b,
                                          const struct onednn_layout *c,
                                          const_dnnl_primitive_attr_t attributes)
{
    return dnnl_matmul_primitive_desc_create(primitive, engine, a->desc, b->desc, NULL, c->desc,
                                             attributes);
}

static inline dnnl_status_t onednn_reorder(dnnl_primitive_desc_t *primitive, dnnl_engine_t engine,
                                           const struct onednn_layout *from,
                                           const struct onednn_layout *to)
{
    return dnnl_reorder_primitive_desc_create(primitive, from->desc, engine, to->desc, engine,
                                              NULL);
}

#else

static inline dnnl_status_t onednn_layout_strided(struct onednn_layout *layout, int count,
                                                  const dnnl_dim_t *dims, dnnl_data_type_t type,
                                                  const dnnl_dim_t *strides)
{
    return dnnl_memory_desc_init_by_strides(&layout->desc, count, dims, type, strides);
}

static inline dnnl_status_t onednn_layout_any(struct onednn_layout *layout, int count,
                                              const dnnl_dim_t *dims, dnnl_data_type_t type)
{
    return dnnl_memory_desc_init_by_tag(&layout->desc, count, dims, type, dnnl_format_tag_any);
}

static inline dnnl_status_t onednn_layout_weights(struct onednn_layout *layout,
                                                  const_dnnl_primitive_desc_t primitive)
{
    layout->desc = *dnnl_primitive_desc_query_md(primitive, dnnl_query_weights_md, 0);
    return dnnl_success;
}

static inline size_t onednn_layout_bytes(const struct onednn_layout *layout)
{
    return dnnl_memory_desc_get_size(&layout->desc);
}

static inline void onednn_layout_free(struct onednn_layout *layout)
{
    (void)layout;
}

static inline dnnl_status_t onednn_memory(dnnl_memory_t *memory, const struct onednn_layout *layout,
                                          dnnl_engine_t engine, void *data)
{
    return dnnl_memory_create(memory, &layout->desc, engine, data);
}

static inline dnnl_status_t onednn_matmul(dnnl_primitive_desc_t *primitive, dnnl_engine_t engine,
                                          const struct onednn_layout *a,
                                          const struct onednn_layout *b,
                                          const struct onednn_layout *c,
                                          const_dnnl_primitive_attr_t attributes)
{
    dnnl_matmul_desc_t matmul;
    dnnl_status_t status = dnnl_matmul_desc_init(&matmul, &a->desc, &b->desc, NULL, &c->desc);
    if (status != dnnl_success)
        return status;
    return dnnl_primitive_desc_create(primitive, &matmul, attributes, engine, NULL);
}

static inline dnnl_status_t onednn_reorder(dnnl_primitive_desc_t *primitive, dnnl_engine_t engine,
                                           const struct onednn_layout *from,
                                           const struct onednn_layout *to)
{
    return dnnl_reorder_primitive_desc_create(primitive, &from->desc, engine, &to->desc, engine,
                                              NULL);
}

#endif

#endif
