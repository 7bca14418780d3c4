// SPDX-License-Identifier: MIT
/*
 * unix(7): names in the file system and abstract ones.
 *
 * Owns      struct unix_name, the list of abstract names (of all network namespaces; a name means one of its own)
 * Locks     socket.lock > name_lock (spin). inode.state_lock for inode->socket.
 *
 * A bound inode points to its socket without a reference; unbinding clears it first, and unix_find() takes a reference under the same
 * lock only if the socket still has one.
 */
#include "net/unix_socket.h"

#include "core/random.h"
#include "core/spinlock.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/stat.h>

static struct spinlock name_lock = SPINLOCK_INIT(RANK_FILE_LOCKS, "unix name_lock");
static struct list abstract_names = LIST_INIT(abstract_names);

void unix_name_get(struct unix_name *name)
{
	if (name) {
		refcount_get(&name->references);
	}
}

void unix_name_put(struct unix_name *name)
{
	if (name && refcount_put(&name->references)) {
		heap_free(name);
	}
}

static int check_address(const u8 *address, u32 length)
{
	u16 family;

	if (length < sizeof(family) || length > 2 + UNIX_PATH_MAX) {
		return -EINVAL;
	}
	memcpy(&family, address, sizeof(family));
	return family == AF_UNIX ? 0 : -EINVAL;
}

static int name_create(const u8 *address, u32 length, struct unix_name **out)
{
	struct unix_name *name = heap_allocate(sizeof(*name));

	if (!name) {
		return -ENOMEM;
	}
	refcount_init(&name->references, 1);
	name->length = length;
	memcpy(name->address, address, length);
	*out = name;
	return 0;
}

static bool is_abstract(const u8 *address, u32 length)
{
	return length > 2 && address[2] == 0;
}

/* name_lock held. */
static struct unix_socket *find_abstract(const struct net_namespace *network,
					 const u8 *address, u32 length)
{
	struct unix_socket *socket;

	list_for_each(socket, &abstract_names, abstract_link) {
		if (socket->socket.network == network && socket->name->length == length &&
		    memcmp(socket->name->address, address, length) == 0) {
			return socket;
		}
	}
	return NULL;
}

/* socket.lock held. */
static int bind_abstract(struct unix_socket *socket, struct unix_name *name)
{
	int error = 0;

	spin_lock(&name_lock);
	if (find_abstract(socket->socket.network, name->address, name->length)) {
		error = -EADDRINUSE;
	} else {
		socket->name = name;
		list_push_back(&abstract_names, &socket->abstract_link);
	}
	spin_unlock(&name_lock);
	return error;
}

/* bind(2) with no name: five hexadecimal digits in the abstract space. */
static int bind_automatic(struct unix_socket *socket)
{
	u8 address[2 + 6] = {AF_UNIX};
	struct unix_name *name;
	int error = name_create(address, sizeof(address), &name);

	if (error) {
		return error;
	}
	error = -EADDRINUSE;
	for (int tries = 0; tries < 1000 && error == -EADDRINUSE; tries++) {
		char digits[6];

		format_string(digits, sizeof(digits), "%05x",
			      (unsigned)(random_u64() & 0xfffff));
		memcpy(name->address + 3, digits, 5);
		error = bind_abstract(socket, name);
	}
	if (error) {
		unix_name_put(name);
	}
	return error;
}

static int bind_path(struct unix_socket *socket, struct unix_name *name,
		     const struct socket_caller *caller)
{
	char text[UNIX_PATH_MAX + 1] = {0};
	struct path path;
	int error;

	memcpy(text, name->address + 2, name->length - 2);
	error = fs_make_node_at(caller->walk, text, S_IFSOCK | 0777, 0, &path);
	if (error) {
		return error == -EEXIST ? -EADDRINUSE : error;
	}
	socket->name = name;
	socket->inode = dentry_inode(path.dentry);
	inode_get(socket->inode);
	spin_lock(&socket->inode->state_lock);
	socket->inode->socket = socket;
	spin_unlock(&socket->inode->state_lock);
	path_put(&path);
	return 0;
}

static int bind_locked(struct unix_socket *socket, const u8 *address, u32 length,
		       const struct socket_caller *caller)
{
	struct unix_name *name;
	int error;

	if (socket->name) {
		return -EINVAL;
	}
	if (length == 2) {
		return bind_automatic(socket);
	}
	error = name_create(address, length, &name);
	if (error) {
		return error;
	}
	error = is_abstract(address, length) ? bind_abstract(socket, name)
					     : bind_path(socket, name, caller);
	if (error) {
		unix_name_put(name);
	}
	return error;
}

int unix_bind(struct socket *base, const u8 *address, u32 length,
	      const struct socket_caller *caller)
{
	struct unix_socket *socket = unix_from_socket(base);
	int error = check_address(address, length);

	if (error) {
		return error;
	}
	mutex_lock(&socket->lock);
	error = bind_locked(socket, address, length, caller);
	mutex_unlock(&socket->lock);
	return error;
}

static int find_path(const u8 *address, u32 length, const struct socket_caller *caller,
		     struct unix_socket **out)
{
	char text[UNIX_PATH_MAX + 1] = {0};
	struct inode *inode;
	struct path path;
	int error;

	memcpy(text, address + 2, length - 2);
	error = path_walk(caller->walk, text, WALK_FOLLOW, &path);
	if (error) {
		return error;
	}
	inode = dentry_inode(path.dentry);
	error = fs_permission(inode, caller->walk->credentials, ACCESS_WRITE);
	if (!error) {
		spin_lock(&inode->state_lock);
		*out = inode->socket;
		if (!*out || !refcount_try_get(&(*out)->references)) {
			error = -ECONNREFUSED;
		}
		spin_unlock(&inode->state_lock);
	}
	path_put(&path);
	return error;
}

int unix_find(const u8 *address, u32 length, const struct net_namespace *network,
	      const struct socket_caller *caller, struct unix_socket **out)
{
	int error = check_address(address, length);

	if (error || length == 2) {
		return error ? error : -EINVAL;
	}
	if (!is_abstract(address, length)) {
		return find_path(address, length, caller, out);
	}
	spin_lock(&name_lock);
	*out = find_abstract(network, address, length);
	if (!*out || !refcount_try_get(&(*out)->references)) {
		error = -ECONNREFUSED;
	}
	spin_unlock(&name_lock);
	return error;
}

void unix_unbind(struct unix_socket *socket)
{
	spin_lock(&name_lock);
	if (!list_empty(&socket->abstract_link)) {
		list_remove(&socket->abstract_link);
	}
	spin_unlock(&name_lock);
	if (socket->inode) {
		spin_lock(&socket->inode->state_lock);
		socket->inode->socket = NULL;
		spin_unlock(&socket->inode->state_lock);
		inode_put(socket->inode);
		socket->inode = NULL;
	}
}

int unix_get_name(struct socket *base, bool peer, u8 *address, u32 *length)
{
	struct unix_socket *socket = unix_from_socket(base), *of = socket;

	if (peer) {
		of = unix_get_peer(socket);
		if (!of) {
			return -ENOTCONN;
		}
	}
	mutex_lock(&of->lock);
	memset(address, 0, 2);
	address[0] = AF_UNIX;
	*length = 2;
	if (of->name) {
		*length = of->name->length;
		memcpy(address, of->name->address, of->name->length);
		if (!is_abstract(address, *length) && *length < 2 + UNIX_PATH_MAX &&
		    address[*length - 1]) {
			address[(*length)++] = 0; /* paths are given with their NUL */
		}
	}
	mutex_unlock(&of->lock);
	if (peer) {
		unix_socket_put(of);
	}
	return 0;
}
