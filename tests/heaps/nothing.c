// SPDX-License-Identifier: MIT
//
// A library that is no heap: its malloc would be the C library's.
int is_no_heap(void);

int is_no_heap(void)
{
    return 1;
}
