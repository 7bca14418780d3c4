// SPDX-License-Identifier: MIT
/* rtnetlink(7): NETLINK_ROUTE. */
#pragma once

void route_netlink_init(void); /* boot, behind netlink_init() */
