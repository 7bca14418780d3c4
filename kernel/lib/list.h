// SPDX-License-Identifier: MIT
/* Doubly linked circular lists, linked through a member of what they hold. */
#pragma once

#include "lib/types.h"

struct list {
	struct list *next, *previous;
};

#define LIST_INIT(name) {&(name), &(name)}

static inline void list_init(struct list *list)
{
	list->next = list->previous = list;
}

static inline bool list_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_insert_between(struct list *node, struct list *before,
				       struct list *after)
{
	node->previous = before;
	node->next = after;
	before->next = node;
	after->previous = node;
}

/* At the front of `list` (or right behind the node `list`). */
static inline void list_push_front(struct list *list, struct list *node)
{
	list_insert_between(node, list, list->next);
}

/* At the end of `list` (or right before the node `list`). */
static inline void list_push_back(struct list *list, struct list *node)
{
	list_insert_between(node, list->previous, list);
}

/* Unlink and make it an empty list, so that list_empty(node) tells whether it is linked. */
static inline void list_remove(struct list *node)
{
	node->previous->next = node->next;
	node->next->previous = node->previous;
	list_init(node);
}

/* Move all of `from` to the end of `to`; `from` is left empty. */
static inline void list_splice_back(struct list *to, struct list *from)
{
	if (list_empty(from)) {
		return;
	}
	from->next->previous = to->previous;
	to->previous->next = from->next;
	from->previous->next = to;
	to->previous = from->previous;
	list_init(from);
}

#define list_entry(node, type, member) container_of(node, type, member)
#define list_first(list, type, member) list_entry((list)->next, type, member)
#define list_last(list, type, member)  list_entry((list)->previous, type, member)

#define list_for_each(entry, list, member)                                 \
	for (entry = list_entry((list)->next, __typeof__(*entry), member); \
	     &entry->member != (list);                                     \
	     entry = list_entry(entry->member.next, __typeof__(*entry), member))

/* The body may unlink `entry`. */
#define list_for_each_safe(entry, following, list, member)                          \
	for (entry = list_entry((list)->next, __typeof__(*entry), member),          \
	    following = list_entry(entry->member.next, __typeof__(*entry), member); \
	     &entry->member != (list); entry = following,                           \
	    following = list_entry(following->member.next, __typeof__(*entry), member))
