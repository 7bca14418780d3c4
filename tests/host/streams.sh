# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Streams, signals, and that nothing is left behind.

same stdout_alone 'to stdout' "$(guest 'run 0' -- true 2>/dev/null </dev/null)"
same stderr_alone 'to stderr' "$(guest 'run 0' -- true 2>&1 >/dev/null </dev/null)"

head -c 1000003 /dev/urandom >"$scratch/random"
guest cat -- true <"$scratch/random" >"$scratch/copy"
same binary_file "0 $(sha256sum <"$scratch/random")" "$? $(sha256sum <"$scratch/copy")"
# shellcheck disable=SC2002 # a pipe is the point
cat "$scratch/random" | guest cat -- true | cat >"$scratch/copy"
same binary_pipe "$(sha256sum <"$scratch/random")" "$(sha256sum <"$scratch/copy")"
same empty_input '' "$(guest cat -- true </dev/null)"
same slow_reader 300000 "$(guest 'late 300000' -- true </dev/null | (sleep 1; wc -c))"

guest yes -- true </dev/null | head -n 1 >"$scratch/first"
status=${PIPESTATUS[0]}
same broken_pipe "yes 141" "$(cat "$scratch/first") $status"

guest yes -- true </dev/null >/dev/full 2>"$scratch/why"
same full_disk "141 heddle: stdout: No space left on device" "$? $(cat "$scratch/why")"

for name in TERM INT HUP QUIT USR1; do
	rm -f "$scratch/out"
	# jobs in the background of a script ignore SIGINT and SIGQUIT, and heddle leaves it so
	STAND_IN=signal timeout 20 env --default-signal "$heddle" run --kernel "$scratch/kernel" -- true </dev/null >"$scratch/out" &
	pid=$!
	for _ in $(seq 100); do
		[ -s "$scratch/out" ] && break
		sleep 0.05
	done
	kill -"$name" "$(pgrep -P $pid)"
	wait $pid
	status=$?
	same "signal_$name" $((128 + $(kill -l $name))) $status
done

STAND_IN=mute "$heddle" run --kernel "$scratch/kernel" -- true </dev/null >/dev/null 2>&1 &
pid=$!
sleep 0.3
child=$(pgrep -P $pid)
kill -KILL $pid
wait $pid 2>/dev/null
sleep 0.3
state=$(ps -o stat= -p "$child" 2>/dev/null)
same killed_leaves_nothing gone "$(case $state in '' | Z*) echo gone ;; *) echo "$state" ;; esac)"
