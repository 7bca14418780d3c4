// SPDX-License-Identifier: MIT
/*
 * One loop around poll. Every wait has an end:
 *
 *   until HELLO         --boot-timeout, the machine's exit, a panic on the console
 *   while it runs       --timeout, exit, panic, and pings that the guest must answer
 *   after EXITED        until each stream has brought as many bytes as the guest announced
 *
 * The outcome is set once; the loop ends when it is set and nothing is left to carry.
 */
#include "session.h"

#include "console_log.h"
#include "flow.h"
#include "message.h"
#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PING_SECONDS  5.0
#define PING_LIMIT    24  // unanswered in a row: the guest hangs
#define PANIC_SECONDS 1.5 // for the rest of the report
#define DRAIN_SECONDS 10.0
#define LAST_LINES    25

enum { TO_GUEST, OUTPUT, ERRORS, TERMINAL, FLOWS };

struct session {
	struct machine *machine;
	const struct options *options;
	struct terminal_use *terminal;
	struct outcome *outcome;
	struct signals signals;

	bool hello, started, exited, machine_gone;
	double hello_time, panic_time, progress_time, next_ping;
	unsigned unanswered;
	int machine_status;

	bool told_end, told_broken[FLOWS], input_is_terminal;
	struct flow flows[FLOWS];

	char received[sizeof(struct control_header) + CONTROL_MAX_LENGTH];
	size_t received_size;
	char errors[4096]; // the last QEMU has said
	size_t errors_size;
};

static void send_control(struct session *session, enum control_type type,
			 const void *data, size_t size)
{
	char frame[sizeof(struct control_header) + 64];
	struct control_header header = {.type = type, .length = size};
	size_t sent = 0, whole = sizeof header + size;

	memcpy(frame, &header, sizeof header);
	memcpy(frame + sizeof header, data, size);
	// small and rare: the socket's buffer takes them, unless the guest has long stopped
	while (sent < whole) {
		ssize_t done = write(session->machine->ports[PORT_CONTROL], frame + sent,
				     whole - sent);
		if (done < 0 && errno == EAGAIN && sent) {
			struct pollfd wait = {.fd = session->machine->ports[PORT_CONTROL],
					      .events = POLLOUT};
			if (poll(&wait, 1, 1000) > 0) {
				continue;
			}
		}
		if (done <= 0) {
			return;
		}
		sent += done;
	}
}

static void start_streams(struct session *session)
{
	const int *ports = session->machine->ports;
	const struct terminal_use *terminal = session->terminal;

	session->input_is_terminal = terminal->stream[0];
	flow_init_in(&session->flows[TO_GUEST], STDIN_FILENO,
		     ports[terminal->stream[0] ? PORT_TERMINAL : PORT_STDIN]);
	session->started = true;
	if (terminal->raw) {
		terminal_set_raw();
	}
}

static void program_ended(struct session *session, const struct control_exited *exited)
{
	struct outcome *outcome = session->outcome;
	int status = exited->wait_status;

	session->exited = true;
	session->progress_time = now_seconds();
	outcome->run_seconds = session->progress_time - session->hello_time;
	outcome->user_ns = exited->user_ns;
	outcome->system_ns = exited->system_ns;
	outcome->peak_kib = exited->peak_kib;
	session->flows[OUTPUT].limit = exited->sent[PORT_STDOUT];
	session->flows[ERRORS].limit = exited->sent[PORT_STDERR];
	session->flows[TERMINAL].limit = exited->sent[PORT_TERMINAL];
	if (WIFSIGNALED(status)) {
		if (outcome->kind == OUTCOME_NONE) {
			outcome->signal = WTERMSIG(status);
		}
		outcome_set(outcome, OUTCOME_SIGNALED, 128 + WTERMSIG(status), NULL);
	} else {
		outcome_set(outcome, OUTCOME_EXITED, WEXITSTATUS(status), NULL);
	}
}

static void not_started(struct session *session, const struct control_not_started *why,
			const char *line)
{
	enum outcome_kind kind = why->status == STATUS_NOT_FOUND ? OUTCOME_NOT_FOUND
				 : why->status == STATUS_NOT_EXECUTABLE
					 ? OUTCOME_NOT_EXECUTABLE
					 : OUTCOME_FAILED;

	outcome_set(session->outcome, kind, why->status, "%s", line);
}

static void greet(struct session *session, const struct control_hello *hello)
{
	session->hello = true;
	session->hello_time = now_seconds();
	session->next_ping = session->hello_time + PING_SECONDS;
	session->outcome->boot_seconds =
		session->hello_time - session->outcome->start_seconds;
	machine_forget_initramfs(session->machine);
	if (hello->version != PROTOCOL_VERSION) {
		outcome_set(
			session->outcome, OUTCOME_FAILED, STATUS_FAILED,
			"the guest speaks version %u of the protocol, not %u: run make",
			hello->version, PROTOCOL_VERSION);
	}
}

/* One whole frame; `data` is followed by a NUL. */
static void handle(struct session *session, enum control_type type, const char *data,
		   size_t size)
{
	union {
		struct control_hello hello;
		struct control_not_started not_started;
		struct control_exited exited;
	} message;

	memset(&message, 0, sizeof message);
	memcpy(&message, data, size < sizeof message ? size : sizeof message);
	switch (type) {
	case CONTROL_HELLO:
		greet(session, &message.hello);
		break;
	case CONTROL_STARTED:
		start_streams(session);
		break;
	case CONTROL_NOT_STARTED:
		not_started(session, &message.not_started,
			    size > sizeof message.not_started
				    ? data + sizeof message.not_started
				    : "the program did not start");
		break;
	case CONTROL_EXITED:
		program_ended(session, &message.exited);
		break;
	case CONTROL_FAILED:
		outcome_set(session->outcome, OUTCOME_FAILED, STATUS_FAILED, "guest: %s",
			    data);
		break;
	case CONTROL_NOTICE:
		say("guest: %s", data);
		break;
	case CONTROL_MISSING:
		outcome_add_missing(session->outcome, session->options, data);
		break;
	case CONTROL_TRACE:
		outcome_add_trace(session->outcome, session->options, data, size);
		break;
	case CONTROL_KERNEL_STACK:
		outcome_set_kernel_stack(session->outcome, data);
		break;
	case CONTROL_STDIN_CLOSED:
		session->flows[TO_GUEST].from = -1;
		break;
	case CONTROL_PONG:
		session->unanswered = 0;
		break;
	default:
		say("guest: unknown message %d", (int)type);
		break;
	}
}

static void receive(struct session *session)
{
	struct control_header header;
	ssize_t got = read(session->machine->ports[PORT_CONTROL],
			   session->received + session->received_size,
			   sizeof session->received - session->received_size);

	session->received_size += got > 0 ? got : 0;
	while (session->received_size >= sizeof header) {
		char data[CONTROL_MAX_LENGTH + 1];
		memcpy(&header, session->received, sizeof header);
		if (header.length > CONTROL_MAX_LENGTH) {
			outcome_set(session->outcome, OUTCOME_FAILED, STATUS_FAILED,
				    "the guest sent nonsense on the control port");
			session->received_size = 0;
			return;
		}
		size_t whole = sizeof header + header.length;
		if (session->received_size < whole) {
			return;
		}
		memcpy(data, session->received + sizeof header, header.length);
		data[header.length] = 0;
		session->received_size -= whole;
		memmove(session->received, session->received + whole,
			session->received_size);
		handle(session, header.type, data, header.length);
	}
}

/* Returns false when nothing more can come. */
static bool read_console(struct session *session)
{
	char text[4096];
	ssize_t got = read(session->machine->ports[PORT_SERIAL], text, sizeof text);

	if (got > 0) {
		console_log_add(text, got);
		if (console_log_panicked() && !session->panic_time) {
			session->panic_time = now_seconds();
		}
	}
	return got > 0;
}

static bool read_errors(struct session *session)
{
	char text[1024];
	ssize_t got = read(session->machine->errors, text, sizeof text);
	size_t room = sizeof session->errors - 1;

	if (got <= 0) {
		return false;
	}
	if (session->errors_size + got > room) {
		size_t drop = session->errors_size + got - room;
		memmove(session->errors, session->errors + drop,
			session->errors_size - drop);
		session->errors_size -= drop;
	}
	memcpy(session->errors + session->errors_size, text, got);
	session->errors_size += got;
	session->errors[session->errors_size] = 0;
	say_detail("qemu: %.*s", (int)got - (text[got - 1] == '\n'), text);
	return true;
}

static void pass_signal(struct session *session, int number)
{
	struct control_signal message = {.number = number};

	if (!session->started || signals_is_insistent(&session->signals, number)) {
		if (number != SIGUSR1 && number != SIGUSR2) {
			if (session->outcome->kind == OUTCOME_NONE) {
				session->outcome->signal = number;
			}
			outcome_set(session->outcome, OUTCOME_INTERRUPTED, 128 + number,
				    "stopped by signal %d", number);
		}
		return;
	}
	send_control(session, CONTROL_SIGNAL, &message, sizeof message);
}

static void resize(struct session *session)
{
	terminal_read_size(session->terminal);
	struct control_window window = {
		.rows = session->terminal->rows,
		.columns = session->terminal->columns,
	};
	send_control(session, CONTROL_WINDOW, &window, sizeof window);
}

/* Control-Z outside raw mode, or kill -TSTP: the machine stops with us and goes on with us. */
static void suspend(struct session *session)
{
	bool raw = terminal_is_raw();

	if (session->machine->pid <= 0) {
		return;
	}
	terminal_restore();
	kill(session->machine->pid, SIGSTOP);
	raise(SIGSTOP);
	kill(session->machine->pid, SIGCONT);
	if (raw) {
		terminal_set_raw();
	}
	resize(session);
}

/* Not by SIGCHLD alone: the machine may have ended before that was a descriptor. */
static void look_for_end(struct session *session)
{
	if (session->machine->pid > 0 &&
	    waitpid(session->machine->pid, &session->machine_status, WNOHANG) ==
		    session->machine->pid) {
		session->machine->pid = 0;
		session->machine_gone = true;
	}
}

static void handle_signals(struct session *session)
{
	int number;

	while ((number = signals_next(&session->signals)) > 0) {
		if (number == SIGCHLD) {
			continue; // look_for_end() runs after every wait
		} else if (number == SIGWINCH) {
			resize(session);
		} else if (number == SIGTSTP) {
			suspend(session);
		} else {
			pass_signal(session, number);
		}
	}
}

/* Tell the guest which streams have come to an end on our side. */
static void tell_ends(struct session *session)
{
	struct flow *input = &session->flows[TO_GUEST];

	if (session->started && input->ended && !flow_holds_data(input) &&
	    !session->told_end) {
		struct control_count end = {.bytes = input->taken};
		session->told_end = true;
		send_control(session,
			     session->input_is_terminal ? CONTROL_TERMINAL_END
							: CONTROL_STDIN_END,
			     &end, sizeof end);
	}
	for (int i = OUTPUT; i <= ERRORS; i++) {
		struct flow *flow = &session->flows[i];
		if (flow->error && !session->told_broken[i]) {
			struct control_broken broken = {
				.port = i == OUTPUT ? PORT_STDOUT : PORT_STDERR,
			};
			session->told_broken[i] = true;
			if (flow->error != EPIPE) {
				say_error("%s: %s", i == OUTPUT ? "stdout" : "stderr",
					  strerror(flow->error));
			}
			send_control(session, CONTROL_BROKEN, &broken, sizeof broken);
		}
	}
}

static bool output_waits(const struct session *session)
{
	return flow_holds_data(&session->flows[OUTPUT]) ||
	       flow_holds_data(&session->flows[ERRORS]) ||
	       flow_holds_data(&session->flows[TERMINAL]);
}

static void ping(struct session *session, double now)
{
	struct control_ping ping = {.number = (uint64_t)(now * 1000)};

	if (!session->hello || session->exited || now < session->next_ping) {
		return;
	}
	session->next_ping = now + PING_SECONDS;
	if (output_waits(session)) {
		return; // the user's reader is slow, and the guest may be waiting for it
	}
	if (session->unanswered++ >= PING_LIMIT) {
		outcome_set(session->outcome, OUTCOME_FAILED, STATUS_FAILED,
			    "the guest has stopped answering");
		return;
	}
	send_control(session, CONTROL_PING, &ping, sizeof ping);
}

static void check_deadlines(struct session *session)
{
	const struct options *options = session->options;
	struct outcome *outcome = session->outcome;
	double now = now_seconds(), since = now - outcome->start_seconds;

	if (options->timeout && since > options->timeout) {
		outcome_set(outcome, OUTCOME_TIMEOUT, STATUS_TIMEOUT,
			    "timed out after %g s", options->timeout);
	}
	if (!session->hello && since > options->boot_timeout) {
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED,
			    "the guest did not come up in %g s", options->boot_timeout);
	}
	if (session->panic_time && now - session->panic_time > PANIC_SECONDS) {
		outcome_set(outcome, OUTCOME_PANIC, STATUS_PANIC,
			    "the guest's kernel panicked");
	}
	if (session->exited && output_waits(session)) {
		session->progress_time = now;
	}
	if (session->exited && now - session->progress_time > DRAIN_SECONDS) {
		outcome->kind = OUTCOME_NONE;
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED,
			    "output was lost on the way from the guest");
		session->exited = false;
	}
	ping(session, now);
}

/* A program that ended well while the host could not take what it wrote has not ended well here. */
static void look_for_lost_output(struct session *session)
{
	struct outcome *outcome = session->outcome;

	for (int i = OUTPUT; i <= ERRORS; i++) {
		int error = session->flows[i].error;
		if (error && error != EPIPE && outcome->kind == OUTCOME_EXITED &&
		    outcome->status == 0) {
			outcome->kind = OUTCOME_NONE;
			outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED, NULL);
		}
	}
}

/* The machine ended by itself: take what is left, and say why. */
static void explain_machine_end(struct session *session)
{
	int status = session->machine_status;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	while (read_console(session) || read_errors(session)) {
		continue;
	}
	receive(session);
	if (session->exited) {
		return;
	}
	if (console_log_panicked() || code == STATUS_PANIC) {
		outcome_set(session->outcome, OUTCOME_PANIC, STATUS_PANIC,
			    "the guest's kernel panicked");
	}
	char *line = session->errors + strspn(session->errors, "\n ");
	if (WIFSIGNALED(status)) {
		outcome_set(session->outcome, OUTCOME_FAILED, STATUS_FAILED,
			    "QEMU was killed by signal %d", WTERMSIG(status));
	} else if (*line) {
		line[strcspn(line, "\n")] = 0;
		outcome_set(session->outcome, OUTCOME_FAILED, STATUS_FAILED,
			    "QEMU ended with status %d: %s", code, line);
	} else {
		outcome_set(session->outcome, OUTCOME_FAILED, STATUS_FAILED,
			    "the machine ended %s, status %d",
			    session->hello ? "before the program did"
					   : "before it was up",
			    code);
	}
}

static bool finished(struct session *session)
{
	if (session->machine_gone && !session->exited) {
		explain_machine_end(session);
	}
	if (session->outcome->kind == OUTCOME_NONE) {
		return false;
	}
	if (!session->exited) {
		return true;
	}
	return flow_is_done(&session->flows[OUTPUT]) &&
	       flow_is_done(&session->flows[ERRORS]) &&
	       flow_is_done(&session->flows[TERMINAL]);
}

static int next_wait_ms(const struct session *session)
{
	const struct outcome *outcome = session->outcome;
	double now = now_seconds(), until = now + 1;

	if (session->options->timeout) {
		double end = outcome->start_seconds + session->options->timeout;
		until = end < until ? end : until;
	}
	return until > now ? (int)((until - now) * 1000) + 1 : 0;
}

static void step(struct session *session)
{
	struct pollfd wait[4 + FLOWS * FLOW_WAITS];
	const int *ports = session->machine->ports;

	wait[0] = (struct pollfd){.fd = session->signals.fd, .events = POLLIN};
	wait[1] = (struct pollfd){.fd = session->machine_gone ? -1 : ports[PORT_CONTROL],
				  .events = POLLIN};
	wait[2] = (struct pollfd){.fd = session->machine_gone ? -1 : ports[PORT_SERIAL],
				  .events = POLLIN};
	wait[3] = (struct pollfd){.fd = session->machine->errors, .events = POLLIN};
	for (int i = 0; i < FLOWS; i++) {
		flow_wait_for(&session->flows[i], wait + 4 + i * FLOW_WAITS);
	}
	if (poll(wait, sizeof wait / sizeof wait[0], next_wait_ms(session)) > 0) {
		for (int i = 0; i < FLOWS; i++) {
			flow_move(&session->flows[i], wait + 4 + i * FLOW_WAITS);
		}
		if (wait[3].revents && !read_errors(session)) {
			close(session->machine->errors);
			session->machine->errors = -1;
		}
		if (wait[2].revents) {
			read_console(session);
		}
		if (wait[1].revents) {
			receive(session);
		}
		if (wait[0].revents) {
			handle_signals(session);
		}
	}
	look_for_end(session);
	tell_ends(session);
	check_deadlines(session);
}

void session_run(struct machine *machine, const struct options *options,
		 struct terminal_use *terminal, struct outcome *outcome)
{
	struct session *session = calloc(1, sizeof *session);

	if (!session || signals_open(&session->signals) < 0) {
		outcome_set(outcome, OUTCOME_FAILED, STATUS_FAILED, "%s",
			    strerror(errno));
		machine_stop(machine);
		return;
	}
	session->machine = machine;
	session->options = options;
	session->terminal = terminal;
	session->outcome = outcome;
	flow_init_in(&session->flows[TO_GUEST], -1, -1);
	flow_init_out(&session->flows[OUTPUT], machine->ports[PORT_STDOUT],
		      STDOUT_FILENO);
	flow_init_out(&session->flows[ERRORS], machine->ports[PORT_STDERR],
		      STDERR_FILENO);
	flow_init_out(&session->flows[TERMINAL], machine->ports[PORT_TERMINAL],
		      terminal->shown_on);
	while (!finished(session)) {
		step(session);
	}
	look_for_lost_output(session);
	if (session->hello && !session->exited) {
		outcome->run_seconds = now_seconds() - session->hello_time;
	}
	machine_stop(machine);
	while (read_console(session)) {
		continue;
	}
	terminal_restore();
	if (outcome->kind == OUTCOME_PANIC || outcome->kind == OUTCOME_TIMEOUT ||
	    outcome->kind == OUTCOME_FAILED) {
		console_log_print(LAST_LINES);
	}
	free(session);
}
