# Runs a server for as long as somebody holds the other end of standard input,
# then ends it and removes its folder. The kernel closes that end however its
# holder dies, which no signal handler could promise.
# $1: folder to remove; the rest: the server's command.
dir=$1
shift
trap '' HUP INT TERM
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ cat <&3 >/dev/null; kill -QUIT "$server"; } 2>/dev/null &
exec 3<&-
wait "$server"
cd /
rm -rf "$dir"
