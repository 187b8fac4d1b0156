/* Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3" (SC11): ten rounds of multiply and exchange turn a 128-bit counter and a 64-bit key into four words. */
#ifndef FASTMLP_PHILOX_H
#define FASTMLP_PHILOX_H

#include <stdint.h>

/* Each row of `words` holds one word of PHILOX_LANES counters on entry, of their random blocks on return. */
enum { PHILOX_LANES = 64 };

static inline void philox4x32_lanes(uint32_t words[4][PHILOX_LANES], uint32_t key_0, uint32_t key_1)
{
    for (int round = 0; round < 10; round++) {
        uint64_t product_0[PHILOX_LANES], product_2[PHILOX_LANES];
        for (int lane = 0; lane < PHILOX_LANES; lane++) {
            product_0[lane] = (uint64_t)0xD2511F53u * words[0][lane];
            product_2[lane] = (uint64_t)0xCD9E8D57u * words[2][lane];
        }
        for (int lane = 0; lane < PHILOX_LANES; lane++) {
            words[0][lane] = (uint32_t)(product_2[lane] >> 32) ^ words[1][lane] ^ key_0;
            words[1][lane] = (uint32_t)product_2[lane];
            words[2][lane] = (uint32_t)(product_0[lane] >> 32) ^ words[3][lane] ^ key_1;
            words[3][lane] = (uint32_t)product_0[lane];
        }
        key_0 += 0x9E3779B9u;
        key_1 += 0xBB67AE85u;
    }
}

#endif
