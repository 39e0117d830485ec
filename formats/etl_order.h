// SPDX-License-Identifier: MIT
//
// Which of several buffers is next: a tournament over the times at which they stand. Every change
// costs the same few steps, without a branch on who wins, which is as good as random where several
// processors record at once.
#ifndef HT_FORMATS_ETL_ORDER_H
#define HT_FORMATS_ETL_ORDER_H

#include <stdbool.h>
#include <stdint.h>

// Where a contestant stands: earlier ticks go first, then the lower rank.
struct ht_etl_place {
    int64_t ticks;
    uint64_t rank; // cpu, place in the list of buffers, and lowest the contestant's own number
};

enum {
    HT_ETL_ORDER_NUMBER_BITS = 24,
    HT_ETL_ORDER_NUMBER_MASK = (1 << HT_ETL_ORDER_NUMBER_BITS) - 1,
};

// The place of a contestant that takes no part.
#define HT_ETL_PLACE_NONE ((struct ht_etl_place){INT64_MAX, UINT64_MAX})

// Zero is empty.
struct ht_etl_order {
    struct ht_etl_place *nodes; // owned; node 1 is the winner, node n has n / 2 above it
    uint32_t leaves;            // room for contestants, a power of two
};

void ht_etl_order_reset(struct ht_etl_order *order);

// Makes room for contestants numbered below `count`. False without memory.
bool ht_etl_order_reserve(struct ht_etl_order *order, uint32_t count);

static inline void ht_etl_order_set(struct ht_etl_order *order, uint32_t number,
                                    struct ht_etl_place place)
{
    struct ht_etl_place *nodes = order->nodes;
    uint32_t at = order->leaves + number;
    nodes[at] = place;
    for (; at > 1; at /= 2) {
        struct ht_etl_place other = nodes[at ^ 1];
        uint64_t is_other = (other.ticks < place.ticks) |
                            ((other.ticks == place.ticks) & (other.rank < place.rank));
        // All ones when the other one wins.
        uint64_t mask = 0 - is_other;
        place.ticks ^= (place.ticks ^ other.ticks) & (int64_t)mask;
        place.rank ^= (place.rank ^ other.rank) & mask;
        nodes[at / 2] = place;
    }
}

// The winner. There must be room for one.
static inline struct ht_etl_place ht_etl_order_top(const struct ht_etl_order *order)
{
    return order->nodes[1];
}

static inline uint32_t ht_etl_place_number(struct ht_etl_place place)
{
    return (uint32_t)(place.rank & HT_ETL_ORDER_NUMBER_MASK);
}

// The ticks of the next after the winner, INT64_MAX when there is none.
static inline int64_t ht_etl_order_next_ticks(const struct ht_etl_order *order)
{
    int64_t ticks = INT64_MAX;
    for (uint32_t at = order->leaves + ht_etl_place_number(order->nodes[1]); at > 1; at /= 2) {
        int64_t other = order->nodes[at ^ 1].ticks;
        ticks = other < ticks ? other : ticks;
    }
    return ticks;
}

#endif
