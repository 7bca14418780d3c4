# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Every exit status of U2, and --status-file.

json() { # KEY
	python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$scratch/status" "$1" 2>&1
}

expect status_zero 0 'to stdout' guest 'run 0' -- true
expect status_seven 7 'to stderr' guest 'run 0x700' -- true
expect status_signal 139 'to stdout' guest 'run 0x8b' -- true
expect status_refused_126 126 'heddle: prog: why' guest 'refuse 126' -- true
expect status_refused_127 127 'heddle: prog: why' guest 'refuse 127' -- true
expect status_timeout 124 'timed out after 0.5 s' guest mute --timeout 500ms -- true
expect status_boot_hang 125 'did not come up in 0.3 s' guest hang --boot-timeout 0.3 -- true
expect status_boot_hang_lines 125 'kernel: booting' guest hang --boot-timeout 0.3 -- true
expect status_panic 255 'kernel: .*panic: no more looms' guest 'panic 255' -- true
expect status_panic_other_code 255 'kernel: *backtrace 1' guest 'panic 3' -- true
expect status_panic_hang 255 'no more looms' guest 'panic 0' -- true
expect status_machine_fails 125 'status 1: stand-in: something is wrong' guest 'exit 1' -- true
expect status_machine_killed 125 'ended before the program did' guest quit -- true
expect status_garbage 125 'nonsense on the control port' guest garbage -- true
expect status_lost_output 125 'output was lost' guest lie -- true
expect summary 0 'ran on tcg: ' guest 'run 0' --summary -- true
expect summary_missing 0 'not in the guest, but on this host: /etc/passwd' guest missing --summary -- true
output=$(guest missing --summary -- true 2>&1 </dev/null)
same summary_missing_only_its_root 0 "$(guest missing --root "$tree" --summary -- /bin/prog 2>&1 </dev/null | grep -c /etc/passwd)"
same summary_missing_only_ours 0 "$(grep -c /no/such/file <<<"$output")"
expect quiet 0 '^to stdout' guest 'run 0' -q -- true

guest 'run 0' --status-file /no/such/folder/status -- true </dev/null >/dev/null 2>"$scratch/why"
same status_file_bad 125 $?
same status_file_why 1 "$(grep -c 'status-file /no/such/folder/status: No such file' "$scratch/why")"
guest 'run 0' --status-file /dev/full -- true </dev/null >/dev/null 2>&1
same status_file_full 125 $?
guest 'run 0x700' --status-file "$scratch/status" -- true </dev/null >/dev/null 2>&1
same json_exit "7 exited 7" "$(json status) $(json kind) $(json exit_code)"
guest 'run 9' --status-file "$scratch/status" -- true </dev/null >/dev/null 2>&1
same json_signal "137 signaled 9" "$(json status) $(json kind) $(json signal)"
guest 'panic 255' --status-file "$scratch/status" -- true </dev/null >/dev/null 2>&1
same json_panic "255 panic" "$(json status) $(json kind)"
guest mute --timeout 0.3 --status-file "$scratch/status" -- true </dev/null >/dev/null 2>&1
same json_timeout "124 timeout" "$(json status) $(json kind)"
run --status-file "$scratch/status" -- nosuch </dev/null >/dev/null 2>&1
same json_not_found "127 not-found" "$(json status) $(json kind)"
run --status-file "$scratch/status" -- /etc/passwd </dev/null >/dev/null 2>&1
same json_not_executable "126 not-executable" "$(json status) $(json kind)"
guest 'exit 1' --status-file "$scratch/status" -- true </dev/null >/dev/null 2>&1
same json_failed "125 failed" "$(json status) $(json kind)"
