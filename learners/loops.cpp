// The two passes of a training step, with private noise and patches of one feature each. Q is the activation's q.
//
// Each reads the noise state once, from one end to the other, and nothing is kept between the two: to compute a
// pre-activation anew from the memory and one row of the weights is cheaper than to store it. What a column gets comes
// from that column alone, in an order that the training set fixes: no bit depends on the columns beside it, nor on the
// number of threads.
//
// Axes, the last one innermost: memory (sample, patch, column); feature, strength and noise (sample, patch);
// sums and pulls (sample, column); work (part, dim, column); weights and gradient (dim, column), rows a stride apart.

#include <algorithm>
#include <cstdint>

struct Terms {
    float *memory;
    const int64_t *feature;
    const float *strength, *noise, *weights;
    int64_t stride, samples, patches, columns, dims, parts, threads;
    float scale;  // 1 / threshold
};

struct Pull {
    const float *pulls;
    float *work, *gradients;
    int64_t stride;
};

// In this order of arguments NaN stays NaN.
static inline float clamped(float ratio) { return std::min(std::max(ratio, 0.0f), 1.0f); }

static inline float power(float base, int exponent)
{
    float product = base;
    for (int factor = 1; factor < exponent; factor++) product *= base;
    return product;
}

// Overwrite the sums with the activations, in units of the threshold, summed over patches.
extern "C" void units(const Terms *terms, float *sums)
{
    const Terms t = *terms;
    #pragma omp parallel for num_threads(t.threads)
    for (int64_t sample = 0; sample < t.samples; sample++) {
        float *sum = sums + sample * t.columns;
        std::fill_n(sum, t.columns, 0.0f);
        for (int64_t row = sample * t.patches; row < (sample + 1) * t.patches; row++) {
            const float *memory = t.memory + row * t.columns, *weights = t.weights + t.feature[row] * t.stride;
            const float strength = t.strength[row], scale = t.scale;
            #pragma omp simd
            for (int64_t column = 0; column < t.columns; column++) {
                const float ratio = scale * (memory[column] + strength * weights[column]), base = clamped(ratio);
                sum[column] += power(base, Q) * (1.0f / Q) + std::max(ratio - base, 0.0f);
            }
        }
    }
}

// Add to the gradient of a pull what was gathered by part.
static void gather(const Terms &t, const Pull &pull)
{
    #pragma omp parallel for num_threads(t.threads)
    for (int64_t dim = 0; dim < t.dims; dim++)
        for (int64_t part = 0; part < t.parts; part++) {
            float *gradient = pull.gradients + dim * pull.stride;
            const float *own = pull.work + (part * t.dims + dim) * t.columns;
            #pragma omp simd
            for (int64_t column = 0; column < t.columns; column++) gradient[column] += own[column];
        }
}

// Threads that share out columns would need no parts, but read the noise state piecemeal: for ten runs of the theory
// recipe that took 10.8 ms, or 5.4 with orders what to fetch ahead, in place of 4.2.
template <bool SHARED> static void pull_all(const Terms &t, const Pull &whole, const Pull &share)
{
    const int64_t size = t.dims * t.columns;
    #pragma omp parallel for num_threads(t.threads)
    for (int64_t part = 0; part < t.parts; part++) {
        const int64_t first = t.samples * part / t.parts, end = t.samples * (part + 1) / t.parts;
        std::fill_n(whole.work + part * size, size, 0.0f);
        if (SHARED) std::fill_n(share.work + part * size, size, 0.0f);
        for (int64_t row = first * t.patches; row < end * t.patches; row++) {
            const int64_t feature = t.feature[row], target = part * size + feature * t.columns;
            const int64_t source = row / t.patches * t.columns;
            float *memory = t.memory + row * t.columns, *gradient = whole.work + target, *own = share.work + target;
            const float *weights = t.weights + feature * t.stride;
            const float *pulls = whole.pulls + source, *shares = share.pulls + source;
            const float strength = t.strength[row], noise = t.noise[row], scale = t.scale;
            #pragma omp simd
            for (int64_t column = 0; column < t.columns; column++) {
                const float slope = power(clamped(scale * (memory[column] + strength * weights[column])), Q - 1);
                const float push = slope * pulls[column];
                gradient[column] += push * strength;
                memory[column] += push * noise;
                if (SHARED) own[column] += slope * shares[column] * strength;
            }
        }
    }
}

// Add to the gradient what the pulls on those sums do, by way of one gradient for each part of the samples, and move the
// memory; a second pull is a share of the first, which adds to a gradient of its own.
extern "C" void pull(const Terms *terms, const Pull *pulls, int64_t count)
{
    if (count == 2) pull_all<true>(*terms, pulls[0], pulls[1]);
    else pull_all<false>(*terms, pulls[0], pulls[0]);
    for (int64_t pull = 0; pull < count; pull++) gather(*terms, pulls[pull]);
}
