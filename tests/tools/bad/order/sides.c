// SPDX-License-Identifier: MIT
/* Orderings whose comments do not meet. */
static int flag, data;

void show(void)
{
	data = 1;
	/* order.shown: pairs with find() */
	__atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
}

int find(void)
{
	return __atomic_load_n(&flag, __ATOMIC_ACQUIRE) ? data : 0;
}

void put(void)
{
	/* order.put: pairs with take() */
	__atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
}

/* order.put: pairs with show() */
int take(void)
{
	return __atomic_load_n(&flag, __ATOMIC_ACQUIRE); /* order.loose */
}
