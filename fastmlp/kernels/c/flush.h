/* Numbers too small to be normal, which many processors are slow with: what a float32 run keeps of them is 0; included
 * once per float type.
 *
 * They stay where they come up: in a mean that fades, in a saturated sigmoid. So it is enough to look there, at the
 * weights and slots every so many steps, and sums are as they are. Processors have a mode for that, but x86 and ARM
 * disagree in it on what rounds up to the smallest normal number, and user code and the C library would run in it too.
 * In float64 nothing is changed, as the bits are the oracle's. */

#ifndef FASTMLP_FLUSH_H
#define FASTMLP_FLUSH_H
#define KEPT(v) NAME(kept)(v)
#endif

INLINE T NAME(kept)(T v) { return ABS_(v) < LEAST_KEPT_ ? 0 : v; }

static void NAME(flush_denormals)(ptrdiff_t n, T *x)
{
    for (ptrdiff_t i = 0; i < n; i++)
        x[i] = KEPT(x[i]);
}
