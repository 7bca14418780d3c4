// SPDX-License-Identifier: MIT
/*
 * F4: shmget, shmat, shmdt, shmctl: attachments are counted exactly through fork, exit, execve and cuts; a removed segment goes
 * with the last of them.
 * libc: musl
 */
#include "machine.h"
#include "sysv.h"
#include <sys/resource.h>

enum { KEY = 0x5ea, PAGE = 4096 };

static int segment;

static int new_segment(size_t size)
{
	int made = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);

	CHECK(made >= 0);
	return made;
}

static struct shmid_ds status(void)
{
	struct shmid_ds result;

	CHECK_EQ(shmctl(segment, IPC_STAT, &result), 0);
	return result;
}

static int attached(void)
{
	return (int)status().shm_nattch;
}

static char *attach(void *place, int flags)
{
	char *at = shmat(segment, place, flags);

	CHECK(at != (void *)-1);
	return at;
}

static void keys(void)
{
	segment = shmget(KEY, 5000, IPC_CREAT | IPC_EXCL | 0600);
	CHECK(segment >= 0);
	CHECK_EQ(shmget(KEY, 0, 0), segment);
	CHECK_EQ(shmget(KEY, 5000, IPC_CREAT | 0600), segment);
	CHECK_ERRNO(shmget(KEY, 5001, 0), EINVAL);
	CHECK_ERRNO(shmget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_ERRNO(shmget(KEY + 1, 1, 0), ENOENT);
	CHECK_ERRNO(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERRNO(shmget(IPC_PRIVATE, (size_t)-1, 0600), EINVAL);
	CHECK_ERRNO(shmget(IPC_PRIVATE, 1ul << 63, 0600), EINVAL);
	CHECK_ERRNO(shmget(IPC_PRIVATE, 1ul << 62, 0600), ENOMEM);
	CHECK_ERRNO(shmget(IPC_PRIVATE, 1ul << 47, 0600), ENOMEM);
	CHECK_ERRNO(shmget(IPC_PRIVATE, PAGE, 0600 | SHM_HUGETLB | 5 << 26), EINVAL);
	CHECK_ERRNO(shmget(IPC_PRIVATE, 1ul << 40, 0600 | SHM_HUGETLB), ENOMEM);
	CHECK_EQ(status().shm_segsz, 5000);
	CHECK_EQ(status().shm_cpid, getpid());
	CHECK_EQ(shmctl(segment, IPC_RMID, NULL), 0);
	CHECK_ERRNO(shmctl(segment, IPC_RMID, NULL), EINVAL);
	CHECK_ERRNO(shmget(KEY, 0, 0), ENOENT);
	ok("keys");
}

static void bad_input(void)
{
	char *taken = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	segment = new_segment(2 * PAGE);
	CHECK(taken != MAP_FAILED);
	CHECK_ERRNO(shmat(-1, NULL, 0), EINVAL);
	CHECK_ERRNO(shmat(segment + 1, NULL, 0), EINVAL);
	CHECK_ERRNO(shmat(segment, taken, 0), EINVAL); // something is there
	CHECK_ERRNO(shmat(segment, taken + 1, 0), EINVAL);
	CHECK_ERRNO(shmat(segment, taken + 1, SHM_REMAP), EINVAL);
	CHECK_ERRNO(shmat(segment, NULL, SHM_REMAP), EINVAL);
	CHECK_ERRNO(shmat(segment, (void *)5, SHM_REMAP | SHM_RND), EINVAL);
	CHECK_ERRNO(shmat(segment, (void *)(0ul - PAGE), 0), EINVAL);
	CHECK_ERRNO(shmdt(taken), EINVAL);
	CHECK_ERRNO(shmdt(taken + 1), EINVAL);
	CHECK_ERRNO(shmdt(NULL), EINVAL);
	CHECK_ERRNO(shmdt(KERNEL_ADDRESS), EINVAL);
	CHECK_ERRNO(syscall(SYS_shmctl, segment, IPC_STAT, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_shmctl, segment, IPC_SET, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_shmctl, 0, SHM_INFO, UNMAPPED_ADDRESS), EFAULT);
	CHECK_ERRNO(syscall(SYS_shmctl, segment, 99, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_shmctl, segment, -1, NULL), EINVAL);
	CHECK_EQ(attached(), 0);
	munmap(taken, 4 * PAGE);
	ok("bad input");
}

static void places(void)
{
	char *first = attach(NULL, 0), *again;

	strcpy(first + PAGE, "shared");
	again = attach(NULL, 0);
	CHECK(strcmp(again + PAGE, "shared") == 0);
	CHECK_EQ(attached(), 2);
	CHECK_EQ(shmdt(again), 0);
	again = attach(again + 123, SHM_RND);
	CHECK_EQ((uintptr_t)again % PAGE, 0);
	CHECK_EQ(shmdt(again), 0);
	CHECK_ERRNO(shmdt(again), EINVAL);
	again = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(attach(again, SHM_REMAP) == again);
	CHECK(strcmp(again + PAGE, "shared") == 0);
	CHECK_EQ(attached(), 2);
	CHECK(attach(again, SHM_REMAP) == again); // over itself
	CHECK_EQ(attached(), 2);
	CHECK_EQ(shmdt(again), 0);
	CHECK_EQ(shmdt(first), 0);
	CHECK_EQ(attached(), 0);
	CHECK_EQ(status().shm_lpid, getpid());
	CHECK(status().shm_atime >= time(NULL) - 5 &&
	      status().shm_dtime >= time(NULL) - 5);
	ok("places");
}

static void write_read_only(void)
{
	attach(NULL, SHM_RDONLY)[0] = 1;
}

static void rights(void)
{
	char *read_only = attach(NULL, SHM_RDONLY), *code;

	CHECK_EQ(WTERMSIG(in_child(write_read_only)), SIGSEGV);
	CHECK_EQ(attached(), 1); // the dead child's are gone
	CHECK_ERRNO(mprotect(read_only, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_EQ(shmdt(read_only), 0);
	CHECK_EQ(shmctl(segment, IPC_RMID, NULL), 0);
	segment = shmget(IPC_PRIVATE, PAGE, 0700);
	code = attach(NULL, SHM_EXEC);
	write_return(code);
	((void (*)(void))(uintptr_t)code)();
	CHECK_EQ(shmdt(code), 0);
	CHECK_EQ(shmctl(segment, IPC_RMID, NULL), 0);
	ok("rights");
}

/* --- counting --- */

static char *kept;

static void see_two(void)
{
	CHECK_EQ(attached(), 2);
	kept[0] = 'c';
	CHECK_EQ(shmdt(kept), 0);
	CHECK_EQ(attached(), 1);
	(void)attach(NULL, 0);
	(void)attach(NULL, 0);
	CHECK_EQ(attached(), 3);
}

static void run_true(void)
{
	CHECK_EQ(attached(), 2);
	execl("/proc/self/exe", "sysv_shared_memory", "exec", (char *)NULL);
	CHECK(!"exec");
}

static void fork_exit_exec(void)
{
	segment = new_segment(4 * PAGE);
	kept = attach(NULL, 0);
	must_pass_in_child(see_two);
	CHECK_EQ(kept[0], 'c');
	CHECK_EQ(attached(), 1); // wait has returned: they are gone
	must_pass_in_child(run_true);
	CHECK_EQ(attached(), 1);
	CHECK_EQ(madvise(kept, 4 * PAGE, MADV_DONTFORK), 0);
	CHECK_EQ(attached(), 1);
	ok("fork, exit, execve");
}

static void cuts(void)
{
	char *at = attach(NULL, 0);

	CHECK_EQ(attached(), 2);
	at[0] = 'a';
	at[3 * PAGE] = 'd';
	CHECK_EQ(munmap(at + PAGE, PAGE), 0); // two pieces now
	CHECK_EQ(attached(), 3);
	CHECK_EQ(mprotect(at + 2 * PAGE, PAGE, PROT_READ), 0);
	CHECK_EQ(attached(), 4);
	CHECK_EQ(mprotect(at + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(attached(), 4);
	CHECK_EQ(munmap(at, PAGE), 0);
	CHECK_EQ(attached(), 3);
	CHECK_ERRNO(shmdt(at + 2 * PAGE), EINVAL); // it is told by where it began
	CHECK_EQ(shmdt(at), 0);
	CHECK_EQ(attached(), 1);
	ok("cuts");
}

static void moves(void)
{
	char *at = attach(NULL, 0);
	char *moved = mremap(at, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			     at - 64 * PAGE);

	CHECK(moved == at - 64 * PAGE);
	CHECK_EQ(attached(), 2);
	CHECK_EQ(moved[3 * PAGE], 'd');
	CHECK_EQ(shmdt(moved), 0);
	CHECK_EQ(attached(), 1);
	ok("moves");
}

static void removal(void)
{
	struct shmid_ds described;
	char *second;
	int id = segment;

	CHECK_EQ(shmctl(segment, IPC_RMID, NULL), 0);
	described = status(); // it is still there, marked
	CHECK(described.shm_perm.mode & SHM_DEST);
	CHECK_EQ(described.shm_perm.__key, IPC_PRIVATE);
	second = attach(NULL, 0); // and may still be attached
	CHECK_EQ(second[3 * PAGE], 'd');
	CHECK_EQ(shmdt(kept), 0);
	CHECK_EQ(attached(), 1);
	CHECK_EQ(munmap(second, 4 * PAGE), 0); // not only shmdt ends it
	CHECK_ERRNO(shmctl(id, IPC_STAT, &described), EINVAL);
	CHECK_ERRNO(shmat(id, NULL, 0), EINVAL);
	ok("a removed segment goes with its last mapping");
}

static void attach_and_remove(void)
{
	(void)attach(NULL, 0);
	CHECK_EQ(shmctl(segment, IPC_RMID, NULL), 0);
	CHECK_EQ(attached(), 1);
}

static void removal_by_exit(void)
{
	struct shmid_ds described;

	segment = new_segment(PAGE);
	must_pass_in_child(attach_and_remove);
	CHECK_ERRNO(shmctl(segment, IPC_STAT, &described), EINVAL);
	ok("exit is a last mapping too");
}

/* --- who may --- */

static void be_somebody(void)
{
	struct shmid_ds described;
	struct rlimit none = {0};

	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	CHECK_EQ(setresgid(4711, 4711, 4711), 0);
	CHECK_EQ(setresuid(4711, 4711, 4711), 0);
	CHECK_ERRNO(shmat(segment, NULL, 0), EACCES);
	CHECK_ERRNO(shmat(segment, NULL, SHM_RDONLY | SHM_EXEC), EACCES);
	CHECK_EQ(shmdt(attach(NULL, SHM_RDONLY)), 0);
	CHECK_EQ(shmctl(segment, IPC_STAT, &described), 0);
	CHECK_ERRNO(shmctl(segment, IPC_SET, &described), EPERM);
	CHECK_ERRNO(shmctl(segment, IPC_RMID, NULL), EPERM);
	CHECK_ERRNO(shmctl(segment, SHM_LOCK, NULL), EPERM);
	CHECK_ERRNO(shmctl(segment, SHM_UNLOCK, NULL), EPERM);
	CHECK_ERRNO(shmget(IPC_PRIVATE, 1 << 21, 0600 | SHM_HUGETLB), EPERM);
	segment = new_segment(PAGE);
	CHECK_ERRNO(shmctl(segment, SHM_LOCK, NULL), EPERM);
	CHECK_EQ(shmctl(segment, SHM_UNLOCK, NULL), 0);
	CHECK_EQ(shmctl(segment, IPC_RMID, NULL), 0);
}

static void permissions(void)
{
	struct shmid_ds described;

	segment = shmget(KEY, PAGE, IPC_CREAT | 0604);
	CHECK(segment >= 0);
	must_pass_in_child(be_somebody);
	CHECK_EQ(shmctl(segment, SHM_LOCK, NULL), 0);
	CHECK_EQ(status().shm_perm.mode, 0604 | SHM_LOCKED);
	described = status();
	described.shm_perm.mode = 0640;
	described.shm_perm.gid = 33;
	CHECK_EQ(shmctl(segment, IPC_SET, &described), 0);
	CHECK_EQ(status().shm_perm.mode, 0640 | SHM_LOCKED);
	CHECK_EQ(status().shm_perm.gid, 33);
	CHECK_EQ(shmctl(segment, SHM_UNLOCK, NULL), 0);
	CHECK_EQ(status().shm_perm.mode, 0640);
	ok("permissions");
}

static void info(void)
{
	struct shmid_ds described;
	struct shm_info usage;
	struct shminfo limits;
	int index = shmctl(0, SHM_INFO, (struct shmid_ds *)&usage);

	CHECK(index >= 0 && usage.used_ids == 1 && usage.shm_tot == 1);
	CHECK_EQ(shmctl(index, SHM_STAT, &described), segment);
	CHECK_ERRNO(shmctl(index + 1, SHM_STAT, &described), EINVAL);
	CHECK_EQ(shmctl(0, IPC_INFO, (struct shmid_ds *)&limits), index);
	CHECK(limits.shmmin == 1 && limits.shmmni == 4096 &&
	      limits.shmmax == ~0ul - (1 << 24));
	attach(NULL, 0)[0] = 1;
	CHECK_EQ(shmctl(0, SHM_INFO, (struct shmid_ds *)&usage), index);
	CHECK_EQ(usage.shm_rss, 1);
	CHECK_EQ(shmctl(segment, IPC_RMID, NULL), 0);
	ok("info");
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		return 0;
	}
	own_ipc_namespace();
	keys();
	bad_input();
	places();
	rights();
	fork_exit_exec();
	cuts();
	moves();
	removal();
	removal_by_exit();
	permissions();
	info();
	return 0;
}
