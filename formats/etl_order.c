// SPDX-License-Identifier: MIT
//
// The tournament. See the header.
#include "formats/etl_order.h"

#include <stdlib.h>

void ht_etl_order_reset(struct ht_etl_order *order)
{
    free(order->nodes);
    *order = (struct ht_etl_order){0};
}

bool ht_etl_order_reserve(struct ht_etl_order *order, uint32_t count)
{
    if (count <= order->leaves)
        return true;
    struct ht_etl_order wider = {.leaves = order->leaves > 0 ? order->leaves : 1};
    while (wider.leaves < count)
        wider.leaves *= 2;
    wider.nodes = malloc(2 * (size_t)wider.leaves * sizeof *wider.nodes);
    if (wider.nodes == NULL)
        return false;
    for (uint32_t i = 0; i < 2 * wider.leaves; i++)
        wider.nodes[i] = HT_ETL_PLACE_NONE;
    for (uint32_t i = 0; i < order->leaves; i++)
        ht_etl_order_set(&wider, i, order->nodes[order->leaves + i]);
    ht_etl_order_reset(order);
    *order = wider;
    return true;
}
