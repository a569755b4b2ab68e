/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/attention/attention_graph.h"

/* Shapes are [batch, heads, rows, columns] here, whatever the layout. */

struct composer {
    struct mlb_cudnn_graph *graph;
    const struct mlb_attention_params *params;
    int type; /* of tensors in memory, MLB_CUDNN_DATA_... */
    bool fp8;
    int64_t batch, heads, kv_heads, seq, seq_kv;
};

static int data_type(int dtype)
{
    switch (dtype) {
    case MLB_BF16:
        return MLB_CUDNN_DATA_BFLOAT16;
    case MLB_F16:
        return MLB_CUDNN_DATA_HALF;
    case MLB_E4M3:
        return MLB_CUDNN_DATA_FP8_E4M3;
    default:
        return MLB_CUDNN_DATA_FLOAT;
    }
}

static struct composer composer(struct mlb_cudnn_graph *graph, const struct mlb_attention_params *p)
{
    return (struct composer){.graph = graph,
                             .params = p,
                             .type = data_type(p->dtype),
                             .fp8 = p->dtype == MLB_E4M3,
                             .batch = (int64_t)p->batch,
                             .heads = (int64_t)p->heads,
                             .kv_heads = (int64_t)p->kv_heads,
                             .seq = (int64_t)p->seq,
                             .seq_kv = (int64_t)p->seq_kv};
}

/* -------------------------------------------------------------------------------------- tensors */

static void swap(int64_t *x, int64_t *y)
{
    int64_t before = *x;
    *x = *y;
    *y = before;
}

static struct mlb_cudnn_tensor in_memory(const struct composer *c, enum mlb_attention_tensor of,
                                         bool transposed)
{
    struct mlb_attention_shape shape = mlb_attention_shape(c->params, of);
    int64_t dim[4] = {c->batch, (int64_t)shape.heads, (int64_t)shape.rows, (int64_t)shape.width};
    int64_t stride[4] = {(int64_t)shape.batch_stride, (int64_t)shape.head_stride,
                         (int64_t)shape.row_stride, 1};
    if (transposed) {
        swap(&dim[2], &dim[3]);
        swap(&stride[2], &stride[3]);
    }
    int type = of == MLB_ATTENTION_LSE ? MLB_CUDNN_DATA_FLOAT : c->type;
    return mlb_cudnn_bound(c->graph, MLB_ATTENTION_ROLE_ID(of), type, dim, stride);
}

/* f32 in memory, dense [batch, heads, seq, width]. */
static struct mlb_cudnn_tensor helper(const struct composer *c, enum mlb_attention_role role,
                                      int64_t width)
{
    const int64_t dim[4] = {c->batch, c->heads, c->seq, width};
    const int64_t stride[4] = {c->heads * c->seq * width, c->seq * width, width, 1};
    return mlb_cudnn_bound(c->graph, MLB_ATTENTION_ROLE_ID(role), MLB_CUDNN_DATA_FLOAT, dim,
                           stride);
}

/* An f32 in device memory. */
static struct mlb_cudnn_tensor device_scalar(const struct composer *c, enum mlb_attention_role role)
{
    static const int64_t one[4] = {1, 1, 1, 1};
    return mlb_cudnn_bound(c->graph, MLB_ATTENTION_ROLE_ID(role), MLB_CUDNN_DATA_FLOAT, one, one);
}

static struct mlb_cudnn_tensor host_scalar(const struct composer *c, enum mlb_attention_role role)
{
    return mlb_cudnn_scalar(c->graph, MLB_ATTENTION_ROLE_ID(role));
}

static struct mlb_cudnn_tensor like(const struct composer *c, const struct mlb_cudnn_tensor *x,
                                    int type)
{
    return mlb_cudnn_virtual_strided(c->graph, type, x->dim, x->stride);
}

static struct mlb_cudnn_tensor per_row(const struct composer *c)
{
    return mlb_cudnn_virtual(c->graph, MLB_CUDNN_DATA_FLOAT, c->batch, c->heads, c->seq, 1);
}

/* --------------------------------------------------------------------------------------- values */

static struct mlb_cudnn_tensor apply_as(const struct composer *c, int type, int mode,
                                        const struct mlb_cudnn_tensor *x,
                                        const struct mlb_cudnn_tensor *b)
{
    struct mlb_cudnn_tensor y = like(c, x, type);
    mlb_cudnn_pointwise(c->graph, mode, x, b, &y);
    return y;
}

static struct mlb_cudnn_tensor apply(const struct composer *c, int mode,
                                     const struct mlb_cudnn_tensor *x,
                                     const struct mlb_cudnn_tensor *b)
{
    return apply_as(c, MLB_CUDNN_DATA_FLOAT, mode, x, b);
}

static struct mlb_cudnn_tensor times(const struct composer *c, const struct mlb_cudnn_tensor *x,
                                     const struct mlb_cudnn_tensor *factor)
{
    return apply(c, MLB_CUDNN_POINTWISE_MUL, x, factor);
}

static struct mlb_cudnn_tensor minus(const struct composer *c, const struct mlb_cudnn_tensor *x,
                                     const struct mlb_cudnn_tensor *y)
{
    return apply(c, MLB_CUDNN_POINTWISE_SUB, x, y);
}

static struct mlb_cudnn_tensor over_row(const struct composer *c, int operator,
                                        const struct mlb_cudnn_tensor * x)
{
    struct mlb_cudnn_tensor y = per_row(c);
    mlb_cudnn_reduce(c->graph, operator, x, &y);
    return y;
}

static struct mlb_cudnn_tensor product(const struct composer *c, const struct mlb_cudnn_tensor *a,
                                       const struct mlb_cudnn_tensor *b)
{
    struct mlb_cudnn_tensor y =
        mlb_cudnn_virtual(c->graph, MLB_CUDNN_DATA_FLOAT, c->batch, c->heads, a->dim[2], b->dim[3]);
    mlb_cudnn_matmul(c->graph, a, b, &y);
    return y;
}

/* Scores of keys after the query's own place become `masked`. */
static struct mlb_cudnn_tensor mask(const struct composer *c, const struct mlb_cudnn_tensor *s,
                                    const struct mlb_cudnn_tensor *masked)
{
    struct mlb_cudnn_tensor row = like(c, s, MLB_CUDNN_DATA_INT32);
    struct mlb_cudnn_tensor column = like(c, s, MLB_CUDNN_DATA_INT32);
    struct mlb_cudnn_tensor seen = like(c, s, MLB_CUDNN_DATA_BOOLEAN);
    struct mlb_cudnn_tensor y = like(c, s, MLB_CUDNN_DATA_FLOAT);
    mlb_cudnn_index(c->graph, 2, s, &row);
    mlb_cudnn_index(c->graph, 3, s, &column);
    mlb_cudnn_not_below(c->graph, &row, &column, &seen);
    mlb_cudnn_select(c->graph, &seen, s, masked, &y);
    return y;
}

/* The transpose of a [.., seq, seq_kv] intermediate. */
static struct mlb_cudnn_tensor transposed(const struct composer *c,
                                          const struct mlb_cudnn_tensor *x)
{
    const int64_t dim[4] = {x->dim[0], x->dim[1], x->dim[3], x->dim[2]};
    const int64_t stride[4] = {x->stride[0], x->stride[1], x->stride[3], x->stride[2]};
    struct mlb_cudnn_tensor y = mlb_cudnn_virtual_strided(c->graph, c->type, dim, stride);
    mlb_cudnn_reshape(c->graph, x, &y);
    return y;
}

/* Largest absolute value of x, as e4m3 graphs keep it for the next step's scale. */
static void note_amax(const struct composer *c, const struct mlb_cudnn_tensor *x,
                      enum mlb_attention_role role)
{
    struct mlb_cudnn_tensor amax = device_scalar(c, role);
    mlb_cudnn_reduce(c->graph, MLB_CUDNN_REDUCE_TENSOR_AMAX, x, &amax);
}

/* e4m3: the three scalars of a product's result. */
struct scaling {
    const struct mlb_cudnn_tensor *descale_a, *descale_b;
    enum mlb_attention_role scale, amax;
};

/* out = a b. When out has fewer heads than a, those that share one are added up: in bf16 and f16
 * after rounding, in e4m3 before. */
static void product_into(const struct composer *c, const struct mlb_cudnn_tensor *a,
                         const struct mlb_cudnn_tensor *b, const struct scaling *scaling,
                         const struct mlb_cudnn_tensor *out)
{
    bool shared = out->dim[1] != c->heads;
    if (!c->fp8 && !shared) {
        mlb_cudnn_matmul(c->graph, a, b, out);
        return;
    }
    int type = c->fp8 ? MLB_CUDNN_DATA_FLOAT : c->type;
    struct mlb_cudnn_tensor y =
        mlb_cudnn_virtual(c->graph, type, c->batch, c->heads, a->dim[2], b->dim[3]);
    mlb_cudnn_matmul(c->graph, a, b, &y);
    if (!c->fp8) {
        mlb_cudnn_reduce(c->graph, MLB_CUDNN_REDUCE_TENSOR_ADD, &y, out);
        return;
    }
    if (shared) {
        struct mlb_cudnn_tensor sum =
            mlb_cudnn_virtual(c->graph, type, c->batch, out->dim[1], out->dim[2], out->dim[3]);
        mlb_cudnn_reduce(c->graph, MLB_CUDNN_REDUCE_TENSOR_ADD, &y, &sum);
        y = sum;
    }
    struct mlb_cudnn_tensor scale = device_scalar(c, scaling->scale);
    y = times(c, &y, scaling->descale_a);
    y = times(c, &y, scaling->descale_b);
    mlb_cudnn_pointwise(c->graph, MLB_CUDNN_POINTWISE_MUL, &y, &scale, out);
    note_amax(c, &y, scaling->amax);
}

/* -------------------------------------------------------------------------------------- forward */

static struct mlb_cudnn_tensor softmax(const struct composer *c, const struct mlb_cudnn_tensor *s,
                                       struct mlb_cudnn_tensor *total)
{
    struct mlb_cudnn_tensor largest = over_row(c, MLB_CUDNN_REDUCE_TENSOR_MAX, s);
    struct mlb_cudnn_tensor below = minus(c, s, &largest);
    struct mlb_cudnn_tensor weights = apply(c, MLB_CUDNN_POINTWISE_EXP, &below, NULL);
    *total = over_row(c, MLB_CUDNN_REDUCE_TENSOR_ADD, &weights);
    struct mlb_cudnn_tensor log_total = apply(c, MLB_CUDNN_POINTWISE_LOG, total, NULL);
    struct mlb_cudnn_tensor lse = in_memory(c, MLB_ATTENTION_LSE, false);
    mlb_cudnn_pointwise(c->graph, MLB_CUDNN_POINTWISE_ADD, &largest, &log_total, &lse);
    return weights;
}

/* e4m3: P is noted, scaled and rounded. */
static struct mlb_cudnn_tensor narrow(const struct composer *c, const struct mlb_cudnn_tensor *x,
                                      enum mlb_attention_role scale)
{
    struct mlb_cudnn_tensor factor = device_scalar(c, scale);
    return apply_as(c, c->type, MLB_CUDNN_POINTWISE_MUL, x, &factor);
}

void mlb_attention_graph_forward(struct mlb_cudnn_graph *graph,
                                 const struct mlb_attention_params *params)
{
    const struct composer made = composer(graph, params), *c = &made;
    struct mlb_cudnn_tensor q = in_memory(c, MLB_ATTENTION_Q, false);
    struct mlb_cudnn_tensor kt = in_memory(c, MLB_ATTENTION_K, true);
    struct mlb_cudnn_tensor v = in_memory(c, MLB_ATTENTION_V, false);
    struct mlb_cudnn_tensor o = in_memory(c, MLB_ATTENTION_O, false);
    struct mlb_cudnn_tensor scale = host_scalar(c, MLB_ATTENTION_SCALE), total, descale_v,
                            descale_p;
    struct mlb_cudnn_tensor s = product(c, &q, &kt);
    s = times(c, &s, &scale);
    if (c->fp8) {
        struct mlb_cudnn_tensor descale_q = device_scalar(c, MLB_ATTENTION_DESCALE_Q);
        struct mlb_cudnn_tensor descale_k = device_scalar(c, MLB_ATTENTION_DESCALE_K);
        s = times(c, &s, &descale_q);
        s = times(c, &s, &descale_k);
    }
    if (params->causal) {
        struct mlb_cudnn_tensor masked = host_scalar(c, MLB_ATTENTION_MASKED);
        s = mask(c, &s, &masked);
    }
    struct mlb_cudnn_tensor weights = softmax(c, &s, &total);
    struct mlb_cudnn_tensor p = apply_as(c, c->fp8 ? MLB_CUDNN_DATA_FLOAT : c->type,
                                         MLB_CUDNN_POINTWISE_DIV, &weights, &total);
    if (c->fp8) {
        note_amax(c, &p, MLB_ATTENTION_AMAX_P);
        p = narrow(c, &p, MLB_ATTENTION_SCALE_P);
        descale_p = device_scalar(c, MLB_ATTENTION_DESCALE_P);
        descale_v = device_scalar(c, MLB_ATTENTION_DESCALE_V);
    }
    product_into(
        c, &p, &v,
        &(struct scaling){&descale_p, &descale_v, MLB_ATTENTION_SCALE_O, MLB_ATTENTION_AMAX_O}, &o);
}

/* ------------------------------------------------------------------------------------- backward */

/* What backward's parts share. Descales are set for e4m3 only. */
struct inputs {
    struct mlb_cudnn_tensor q, kt, vt, d_o, scale;
    struct mlb_cudnn_tensor descale_q, descale_k, descale_v, descale_o, descale_do, descale_p,
        descale_ds;
};

static void take_inputs(const struct composer *c, struct inputs *in)
{
    in->q = in_memory(c, MLB_ATTENTION_Q, false);
    in->kt = in_memory(c, MLB_ATTENTION_K, true);
    in->vt = in_memory(c, MLB_ATTENTION_V, true);
    in->d_o = in_memory(c, MLB_ATTENTION_DO, false);
    in->scale = host_scalar(c, MLB_ATTENTION_SCALE);
    if (!c->fp8)
        return;
    in->descale_q = device_scalar(c, MLB_ATTENTION_DESCALE_Q);
    in->descale_k = device_scalar(c, MLB_ATTENTION_DESCALE_K);
    in->descale_v = device_scalar(c, MLB_ATTENTION_DESCALE_V);
    in->descale_o = device_scalar(c, MLB_ATTENTION_DESCALE_O);
    in->descale_do = device_scalar(c, MLB_ATTENTION_DESCALE_DO);
    in->descale_p = device_scalar(c, MLB_ATTENTION_DESCALE_P);
    in->descale_ds = device_scalar(c, MLB_ATTENTION_DESCALE_DS);
}

/* delta = dO . O of each row. In bf16 and f16 it passes through memory, by a multiplication with
 * one, because the pattern that cuDNN knows has it there. */
static struct mlb_cudnn_tensor delta(const struct composer *c, const struct inputs *in)
{
    struct mlb_cudnn_tensor o = in_memory(c, MLB_ATTENTION_O, false);
    struct mlb_cudnn_tensor products = mlb_cudnn_virtual(c->graph, MLB_CUDNN_DATA_FLOAT, c->batch,
                                                         c->heads, c->seq, in->d_o.dim[3]);
    mlb_cudnn_pointwise(c->graph, MLB_CUDNN_POINTWISE_MUL, &in->d_o, &o, &products);
    struct mlb_cudnn_tensor sum = over_row(c, MLB_CUDNN_REDUCE_TENSOR_ADD, &products);
    if (c->fp8) {
        sum = times(c, &sum, &in->descale_do);
        return times(c, &sum, &in->descale_o);
    }
    struct mlb_cudnn_tensor one = host_scalar(c, MLB_ATTENTION_ONE);
    struct mlb_cudnn_tensor kept = helper(c, MLB_ATTENTION_DELTA, 1);
    mlb_cudnn_pointwise(c->graph, MLB_CUDNN_POINTWISE_MUL, &sum, &one, &kept);
    return kept;
}

/* P = exp(scale Q K^T - LSE). The patterns differ in where they mask. */
static struct mlb_cudnn_tensor weights_again(const struct composer *c, const struct inputs *in)
{
    struct mlb_cudnn_tensor lse = in_memory(c, MLB_ATTENTION_LSE, false);
    struct mlb_cudnn_tensor masked = {0}, s = product(c, &in->q, &in->kt);
    if (c->params->causal)
        masked = host_scalar(c, MLB_ATTENTION_MASKED);
    s = times(c, &s, &in->scale);
    if (c->fp8) {
        s = times(c, &s, &in->descale_q);
        s = times(c, &s, &in->descale_k);
    } else {
        s = minus(c, &s, &lse);
    }
    if (c->params->causal)
        s = mask(c, &s, &masked);
    if (c->fp8)
        s = minus(c, &s, &lse);
    return apply(c, MLB_CUDNN_POINTWISE_EXP, &s, NULL);
}

/* dV = P^T dO */
static void compose_dv(const struct composer *c, const struct inputs *in,
                       const struct mlb_cudnn_tensor *p)
{
    struct mlb_cudnn_tensor dv = in_memory(c, MLB_ATTENTION_DV, false);
    struct mlb_cudnn_tensor narrowed = c->fp8 ? narrow(c, p, MLB_ATTENTION_SCALE_P) : *p;
    struct mlb_cudnn_tensor pt = transposed(c, &narrowed);
    product_into(c, &pt, &in->d_o,
                 &(struct scaling){&in->descale_p, &in->descale_do, MLB_ATTENTION_SCALE_DV,
                                   MLB_ATTENTION_AMAX_DV},
                 &dv);
}

/* scale dS = scale P o (dO V^T - delta) */
static struct mlb_cudnn_tensor compose_ds(const struct composer *c, const struct inputs *in,
                                          const struct mlb_cudnn_tensor *p,
                                          const struct mlb_cudnn_tensor *row_delta)
{
    struct mlb_cudnn_tensor dp = product(c, &in->d_o, &in->vt);
    if (c->fp8) {
        dp = times(c, &dp, &in->descale_do);
        dp = times(c, &dp, &in->descale_v);
    }
    dp = minus(c, &dp, row_delta);
    dp = times(c, &dp, p);
    if (!c->fp8)
        return apply_as(c, c->type, MLB_CUDNN_POINTWISE_MUL, &dp, &in->scale);
    dp = times(c, &dp, &in->scale);
    note_amax(c, &dp, MLB_ATTENTION_AMAX_DS);
    return narrow(c, &dp, MLB_ATTENTION_SCALE_DS);
}

static void compose_dk(const struct composer *c, const struct inputs *in,
                       const struct mlb_cudnn_tensor *ds)
{
    struct mlb_cudnn_tensor dk = in_memory(c, MLB_ATTENTION_DK, false);
    struct mlb_cudnn_tensor dst = transposed(c, ds);
    product_into(c, &dst, &in->q,
                 &(struct scaling){&in->descale_ds, &in->descale_q, MLB_ATTENTION_SCALE_DK,
                                   MLB_ATTENTION_AMAX_DK},
                 &dk);
}

/* In bf16 and f16 dQ is summed in f32 in memory, by several blocks at once, and then rounded. */
static void compose_dq(const struct composer *c, const struct inputs *in,
                       const struct mlb_cudnn_tensor *ds)
{
    struct mlb_cudnn_tensor dq = in_memory(c, MLB_ATTENTION_DQ, false);
    struct mlb_cudnn_tensor k = transposed(c, &in->kt);
    if (c->fp8) {
        product_into(c, ds, &k,
                     &(struct scaling){&in->descale_ds, &in->descale_k, MLB_ATTENTION_SCALE_DQ,
                                       MLB_ATTENTION_AMAX_DQ},
                     &dq);
        return;
    }
    struct mlb_cudnn_tensor sum = helper(c, MLB_ATTENTION_DQ_SUM, k.dim[3]);
    mlb_cudnn_matmul(c->graph, ds, &k, &sum);
    mlb_cudnn_pointwise(c->graph, MLB_CUDNN_POINTWISE_IDENTITY, &sum, NULL, &dq);
}

void mlb_attention_graph_backward(struct mlb_cudnn_graph *graph,
                                  const struct mlb_attention_params *params)
{
    const struct composer made = composer(graph, params), *c = &made;
    struct inputs in = {0};
    take_inputs(c, &in);
    struct mlb_cudnn_tensor row_delta = delta(c, &in);
    struct mlb_cudnn_tensor p = weights_again(c, &in);
    compose_dv(c, &in, &p);
    struct mlb_cudnn_tensor ds = compose_ds(c, &in, &p, &row_delta);
    if (c->fp8)
        compose_dq(c, &in, &ds);
    compose_dk(c, &in, &ds);
    if (!c->fp8)
        compose_dq(c, &in, &ds);
}
