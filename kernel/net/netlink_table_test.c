// SPDX-License-Identifier: MIT
/* The ports that netlink chooses: never above those of processes' numbers, never out of the range of their type. */
#include "net/netlink_internal.h"
#include "unit.h"

TEST(automatic_ports_begin_anew_behind_the_lowest)
{
	EXPECT_EQ(netlink_automatic_after(NETLINK_AUTOMATIC_FIRST),
		  NETLINK_AUTOMATIC_FIRST - 1);
	EXPECT_EQ(netlink_automatic_after(INT32_MIN + 1), INT32_MIN);
	EXPECT_EQ(netlink_automatic_after(INT32_MIN), NETLINK_AUTOMATIC_FIRST);
}
