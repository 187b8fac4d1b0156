/* Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3" (SC11): ten rounds of multiply and exchange turn a 128-bit counter and a 64-bit key into four words. */
#ifndef FASTMLP_PHILOX_H
#define FASTMLP_PHILOX_H

#include <stdint.h>

#include "vector.h"

/* Each row of `words` holds one word of PHILOX_LANES counters on entry, of their random blocks on return. */
enum { PHILOX_LANES = 64, PHILOX_ROUNDS = 10, LANES_AT_ONCE = sizeof(vector_u64) / sizeof(uint64_t) };

/* A word is the low half of 64 bits, and only that half is read: a product stands for its low word as it is. */
static inline void philox4x32_lanes(uint64_t words[4][PHILOX_LANES], uint32_t key_0, uint32_t key_1)
{
    const vector_u64 none = {0}, low_half = none + 0xffffffffu;
    for (int lane = 0; lane < PHILOX_LANES; lane += LANES_AT_ONCE) {
        vector_u64 w[4];
        for (int i = 0; i < 4; i++)
            w[i] = *(const vector_u64 *)&words[i][lane];
        UNROLL for (uint32_t round = 0; round < PHILOX_ROUNDS; round++) {
            const vector_u64 product_0 = multiply_halves(w[0], none + 0xD2511F53u);
            const vector_u64 product_2 = multiply_halves(w[2], none + 0xCD9E8D57u);
            w[0] = (product_2 >> 32) ^ w[1] ^ (key_0 + round * 0x9E3779B9u);
            w[1] = product_2;
            w[2] = (product_0 >> 32) ^ w[3] ^ (key_1 + round * 0xBB67AE85u);
            w[3] = product_0;
        }
        for (int i = 0; i < 4; i++)
            *(vector_u64 *)&words[i][lane] = w[i] & low_half;
    }
}

/* The words of the blocks from number `block` on, of one layer in one step. */
static inline void random_blocks(uint64_t seed, uint64_t step, uint32_t layer, uint64_t block,
                                 uint64_t words[4][PHILOX_LANES])
{
    for (uint64_t lane = 0; lane < PHILOX_LANES; lane++) {
        words[0][lane] = block + lane;
        words[1][lane] = layer;
        words[2][lane] = step;
        words[3][lane] = step >> 32;
    }
    philox4x32_lanes(words, (uint32_t)seed, (uint32_t)(seed >> 32));
}

#endif
