// SPDX-License-Identifier: MIT
/*
 * Sockets: socket(7). A family makes a struct socket with operations; this room gives it a file.
 *
 * All operations may sleep; none looks at who is running: what they need of the caller comes in struct socket_caller.
 */
#pragma once

#include "abi/socket.h"
#include "fs/file.h"
#include "fs/path.h"
#include "lib/compiler.h"

struct net_namespace;
struct socket;
struct user_account;

struct socket_caller {
	struct net_namespace *network;   /* where new sockets are */
	const struct walk_context *walk; /* for names in file systems */
	struct user_ucred identity;      /* pid, effective uid and gid */
	bool nonblocking;
};

/* One send or receive. */
struct socket_message {
	struct io_buffer *io;
	u8 address[SOCKET_ADDRESS_MAX]; /* to send to; or of whom it came from */
	u32 address_length;             /* 0: none */
	struct file **
		files; /* SCM_RIGHTS: a heap array of references; send takes it over if it succeeds, receive hands it out */
	u32 file_count;
	struct user_account
		*account; /* borrowed: whose files in flight they are; with files */
	u64 files_limit;  /* how many it may have there: RLIMIT_NOFILE */
	struct user_ucred credentials; /* SCM_CREDENTIALS */
	bool has_credentials;
	struct {
		s32 level, type;
		u32 size; /* 0: none */
		u8 data[16];
	} more_control;   /* received: a control message of the family's own */
	u32 flags;        /* MSG_* asked for */
	u32 result_flags; /* MSG_TRUNC, MSG_CTRUNC, MSG_EOR */
};

struct socket_operations {
	int (*bind)(struct socket *socket, const u8 *address, u32 length,
		    const struct socket_caller *caller);
	int (*connect)(struct socket *socket, const u8 *address, u32 length,
		       const struct socket_caller *caller);
	int (*listen)(struct socket *socket, int backlog,
		      const struct socket_caller *caller);
	int (*accept)(struct socket *socket, const struct socket_caller *caller,
		      struct socket **out);
	s64 (*send)(struct socket *socket, struct socket_message *message,
		    const struct socket_caller *caller);
	s64 (*receive)(struct socket *socket, struct socket_message *message,
		       const struct socket_caller *caller);
	int (*shutdown)(struct socket *socket, int how);
	/* Own (peer false) or the peer's address into address[SOCKET_ADDRESS_MAX]; *length. */
	int (*name)(struct socket *socket, bool peer, u8 *address, u32 *length);
	/* Options beyond those net/socket.c knows. -ENOPROTOOPT. value: kernel memory. */
	int (*set_option)(struct socket *socket, int level, int name, const void *value,
			  u32 length);
	int (*get_option)(struct socket *socket, int level, int name, void *value,
			  u32 *length);
	u32 (*poll)(struct socket *socket, struct poll_table *table);
	s64 (*unread)(struct socket *socket); /* FIONREAD */
	/* The files that go with it are put on `dead` (file_put_later). */
	void (*release)(struct socket *socket, struct list *dead);
};

/* Embedded first in a family's own structure. */
struct socket {
	const struct socket_operations *operations;
	int family, type, protocol;
	nsec_t receive_timeout, send_timeout; /* SO_RCVTIMEO, SO_SNDTIMEO; 0: none */
	_Atomic u32 pass_credentials;         /* SO_PASSCRED */
	_Atomic s32 error;                    /* SO_ERROR, positive */
	_Atomic u32 receive_buffer,
		send_buffer;           /* SO_RCVBUF, SO_SNDBUF; 0: the default */
	struct net_namespace *network; /* I; a reference: where it was made */
	u64 inode_number;              /* of its file; 0: none yet */
};

struct socket_family {
	int family;
	/* -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOMEM */
	int (*create)(int type, int protocol, const struct socket_caller *caller,
		      struct socket **out);
	int (*pair)(int type, int protocol, const struct socket_caller *caller,
		    struct socket *out[2]); /* NULL: -EOPNOTSUPP */
	void (*closed)(void); /* a descriptor of some socket was closed; may sleep */
	struct socket_family *next;
};
void socket_family_register(struct socket_family *family);

int socket_create(int family, int type, int protocol, const struct socket_caller *caller,
		  struct socket **out) must_check;
int socket_create_pair(int family, int type, int protocol,
		       const struct socket_caller *caller,
		       struct socket *out[2]) must_check;
/* A file for it ("socket:[ino]"); flags: O_NONBLOCK. On failure the socket is released. */
int socket_file(struct socket *socket, u32 flags, struct file **out) must_check;
/* Borrowed from the file; NULL: not a socket (ENOTSOCK). */
struct socket *socket_from_file(struct file *file);
/* End one that no file was made for. May sleep. */
void socket_release(struct socket *socket);
/* Drop a message's array of files; NULL and 0 are nothing. */
void socket_put_files(struct file **files, u32 count);
/* The same within a release (file_put_later). */
void socket_put_files_later(struct file **files, u32 count, struct list *dead);
int socket_set_option(struct socket *socket, int level, int name, const void *value,
		      u32 length) must_check;
int socket_get_option(struct socket *socket, int level, int name, void *value,
		      u32 *length) must_check;

/* What may wait at it, and be sent in one: bytes with what each packet costs. A family may hold to it or not. */
u32 socket_receive_buffer(const struct socket *socket);
u32 socket_send_buffer(const struct socket *socket);

/* Boot. */
void unix_socket_init(void);
