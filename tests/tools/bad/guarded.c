// SPDX-License-Identifier: MIT
/* A foreign, unlocked access to a guarded field: clang's analysis must refuse it. */
#define CAPABILITY(x) __attribute__((capability(x)))
#define GUARDED_BY(member) __attribute__((guarded_by(&member)))

struct CAPABILITY("lock") lock {
	int word;
};

struct object {
	struct lock lock;
	int value GUARDED_BY(lock);
};

int read_unlocked(struct object *object);

int read_unlocked(struct object *object)
{
	return object->value;
}
