# Runs one server and ends it with its owner.
#
# usage: sh supervise.sh DIRECTORY PROGRAM [ARGUMENT...]
#
# Standard input is a pipe whose other end only the owner holds. The line `stop`
# asks the server to end and kills it after ten seconds; `kill` kills it at once. A
# pipe that closes without a word means that the owner is gone, however it ended: the
# server is killed and DIRECTORY, which the owner can no longer remove, is removed.

directory=$1
shift
# Should this shell itself be killed, Linux then kills the server.
if setpriv --pdeathsig KILL true 2>/dev/null; then
	set -- setpriv --pdeathsig KILL "$@"
fi

exec 3<&0 </dev/null
"$@" 3<&- &
server=$!

(
	word=
	read -r word <&3
	trap '' TERM # from here on this must run to its end
	if [ "$word" = stop ]; then
		kill -TERM "$server"
		tries=200
		while [ "$tries" -gt 0 ] && kill -0 "$server"; do
			sleep 0.05
			tries=$((tries - 1))
		done
	fi
	kill -KILL "$server"
	[ -n "$word" ] || rm -rf -- "$directory"
) 2>/dev/null &
watcher=$!

exec 3<&-
wait "$server"
status=$?
kill -TERM "$watcher" 2>/dev/null
wait "$watcher"
exit "$status"
