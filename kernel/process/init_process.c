// SPDX-License-Identifier: MIT
/*
 * The first process: pid 1, made from nothing at boot.
 *
 * It runs init= (rdinit=, if there is an initramfs), or the first there is of /init, /sbin/init, /etc/init, /bin/init,
 * /bin/sh; with the words of the command line nobody else understood, as Linux does.
 *
 * /init may be loaded as soon as it is there, while the initramfs is still being unpacked. If another file has taken its name when
 * all is there, it is loaded anew.
 */
#include "core/command_line.h"
#include "core/log.h"
#include "core/panic.h"
#include "fs/file_table.h"
#include "fs/fs_info.h"
#include "fs/path.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "process/exec/exec.h"
#include "process/job_control.h"
#include "process/pid.h"
#include "process/process.h"
#include "vm/vm_space.h"
#include <linux/fcntl.h>

enum { WORDS_MAX = 64 };

struct first {
	struct fs_info *fs;
	struct credentials *credentials;
	struct file_table *files;
	struct walk_context context;
	struct exec_image *image;
	bool complete; /* all files are there */
};

static int add_words(struct exec_strings *to,
		     unsigned (*get)(const char **to, unsigned max))
{
	const char **words = heap_allocate(WORDS_MAX * sizeof(*words));
	unsigned count = words ? get(words, WORDS_MAX) : 0;
	int err = words ? 0 : -ENOMEM;

	for (unsigned i = 0; i < count && !err; i++) {
		err = exec_strings_add(to, words[i]);
	}
	heap_free(words);
	return err;
}

static int fill_arguments(struct exec_image *image, const char *program)
{
	int err = exec_strings_add(&image->arguments, program);

	if (!err) {
		err = add_words(&image->arguments, command_line_init_arguments);
	}
	if (!err) {
		err = exec_strings_add(&image->environment, "HOME=/");
	}
	if (!err) {
		err = exec_strings_add(&image->environment, "TERM=linux");
	}
	if (!err) {
		err = add_words(&image->environment, command_line_init_environment);
	}
	return err;
}

static int try_program(struct first *first, const char *program)
{
	struct limit limits[LIMIT_COUNT];
	struct file *file;
	int err = fs_open_executable(&first->context, program, WALK_FOLLOW, &file);

	if (err) {
		return err;
	}
	err = exec_image_create(&first->context, file, program, &first->image);
	if (err) {
		return err;
	}
	err = fill_arguments(first->image, program);
	if (!err) {
		limits_init(limits);
		err = exec_image_load(first->image, first->credentials, limits);
	}
	if (err) {
		exec_image_destroy(first->image);
		first->image = NULL;
		if (first->complete) {
			log_error("cannot run %s as init: error %d", program, -err);
		}
	}
	return err;
}

static const char *find_program(struct first *first)
{
	static const char *const defaults[] = {"/init", "/sbin/init", "/etc/init",
					       "/bin/init", "/bin/sh"};
	static const char *const words[] = {"rdinit", "init"};

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		const char *wanted = command_line_value(words[i]);

		if (wanted) {
			if (try_program(first, wanted) == 0) {
				return wanted;
			}
			panic("cannot run %s=%s", words[i], wanted);
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(defaults); i++) {
		if (try_program(first, defaults[i]) == 0) {
			return defaults[i];
		}
	}
	panic("no init found: give one with init=, or an initramfs with /init");
}

/* Descriptors 0, 1 and 2 on the console; without one the program runs all the same. */
static void open_console(struct first *first)
{
	struct file *console;
	int err = fs_open(&first->context, "/dev/console", O_RDWR, 0, WALK_FOLLOW,
			  &console);

	if (err) {
		log_warning("no /dev/console for init: error %d", -err);
		return;
	}
	for (unsigned i = 0; i < 3; i++) {
		int fd = fd_reserve(first->files, 0, 3, false);

		if (fd >= 0) {
			file_get(console);
			fd_install(first->files, fd, console);
		}
	}
	file_put(console);
}

static void prepare(struct first *first, struct path *root)
{
	if (credentials_create_root(&first->credentials) ||
	    fs_info_create(root, &first->fs) || file_table_create(&first->files)) {
		panic("no memory for the first process");
	}
	path_put(root);
	first->context.fs = first->fs;
	first->context.credentials = first->credentials;
}

static struct thread *build_thread(struct first *first, struct thread_options *options)
{
	struct exec_image *image = first->image;
	struct thread *thread;
	int err;

	thread_options_init(options, NULL);
	options->start_ip = image->start_ip;
	options->start_sp = image->start_sp;
	options->name = image->comm;
	options->vm = image->vm;
	options->files = first->files;
	options->fs = first->fs;
	options->credentials = first->credentials;
	image->vm = NULL;
	err = thread_build(options, &thread);
	if (err) {
		panic("cannot make the first process: error %d", -err);
	}
	thread->process->executable = image->file;
	image->file = NULL;
	return thread;
}

static struct first first;

static bool init_is_chosen(void)
{
	return command_line_value("rdinit") || command_line_value("init");
}

bool process_is_init(const char *name)
{
	while (*name == '.' || *name == '/') {
		name++;
	}
	return !init_is_chosen() && strcmp(name, "init") == 0;
}

void process_prepare_init(struct path *root)
{
	prepare(&first, root);
	if (!init_is_chosen()) {
		(void)try_program(&first, "/init");
	}
}

/* Is /init what was loaded? If not, forget it. */
static bool loaded_in_time(void)
{
	struct path path;
	bool same;

	if (!first.image) {
		return false;
	}
	same = path_walk(&first.context, "/init", WALK_FOLLOW, &path) == 0;
	if (same) {
		same = path.dentry == first.image->file->path.dentry;
		path_put(&path);
	}
	if (!same) {
		exec_image_destroy(first.image);
		first.image = NULL;
	}
	return same;
}

void process_start_init(void)
{
	struct thread_options options;
	struct thread *thread;
	struct session *session;
	const char *program;
	u64 flags;

	first.complete = true;
	open_console(&first);
	program = loaded_in_time() ? "/init" : find_program(&first);
	thread = build_thread(&first, &options);
	if (session_create(&idle_pid, &session)) {
		panic("no memory for the first session");
	}
	init_process = thread->process;
	flags = spin_lock_irq(&process_tree_lock);
	job_control_join_locked(thread->process, session, &idle_pid);
	spin_unlock_irq(&process_tree_lock, flags);
	session_put(session);
	if (thread_publish(thread, &options)) {
		panic("cannot publish the first process");
	}
	exec_image_destroy(first.image);
	credentials_put(first.credentials);
	log_info("running %s as init", program);
	sched_start(&thread->sched);
}
