# Subshells, pipes, process substitution, traps, jobs, arithmetic and patterns of bash; what it prints is the same everywhere.
declare -A count
while read -r first _ number text; do
	key=${first:0:1}
	count[$key]=$((${count[$key]:-0} + number))
	longest=$((${#text} > ${longest:-0} ? ${#text} : ${longest:-0}))
done < <(head -n 500 words)
for key in $(printf '%s\n' "${!count[@]}" | sort | head -n 5); do
	printf '%s=%06d ' "$key" "${count[$key]}"
done
echo "longest $longest"
trap 'echo trapped' USR1
kill -USR1 $$
(
	trap 'echo in a subshell' EXIT
	:
)
sleep 0.1 &
wait $! && echo waited
sleep 30 &
kill -KILL $!
wait $!
echo $?
set -m
sleep 30 &
kill -STOP %1
sleep 0.3
jobs -s | wc -l
kill -KILL %1
cat <<<"$((2 ** 62 % 1000003)) $(printf 'a%s' {1..5})"
exec 5<words
read -ru 5 line
[[ $line =~ ^([a-z])([0-9]+)\  ]] && echo "${BASH_REMATCH[2]}"
exit 7
