// SPDX-License-Identifier: MIT
#include "signals.h"

#include "outcome.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define INSIST_SECONDS 2.0

int signals_open(struct signals *signals)
{
	static const int wanted[] = {SIGINT,  SIGTERM,  SIGHUP,  SIGQUIT, SIGUSR1,
				     SIGUSR2, SIGWINCH, SIGTSTP, SIGCHLD};
	sigset_t set;

	memset(signals, 0, sizeof *signals);
	sigemptyset(&set);
	for (unsigned i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		struct sigaction old;
		// what the caller ignores (nohup) stays ignored
		if (sigaction(wanted[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN &&
		    wanted[i] != SIGCHLD) {
			continue;
		}
		sigaddset(&set, wanted[i]);
	}
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
		return -errno;
	}
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals->fd < 0 ? -errno : 0;
}

int signals_next(struct signals *signals)
{
	struct signalfd_siginfo info;

	return read(signals->fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo
								    : 0;
}

bool signals_is_insistent(struct signals *signals, int number)
{
	double now = now_seconds();

	if (number <= 0 || number >= SIGNAL_COUNT) {
		return false;
	}
	if (now - signals->last[number] > INSIST_SECONDS) {
		signals->repeats[number] = 0;
	}
	signals->last[number] = now;
	return ++signals->repeats[number] >= 3;
}
