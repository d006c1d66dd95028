# Runs a server for as long as somebody holds the other end of standard input,
# then ends it and removes its folder. The kernel closes that end however its
# holder dies, which no signal handler could promise.
# $1: folder to remove, with the server's data in it; the rest: the server's command.
#
# While there is a file "halted" in the folder, a server that has ended is
# expected back: "down" then says that it has ended, and it starts again when
# "halted" is gone.
dir=$1
shift
trap '' HUP INT TERM
exec 3<&0 </dev/null
{
	cat <&3 >/dev/null
	touch "$dir/over"
	while [ -d "$dir" ]; do # again, because a server that is about to start has no pid yet
		kill -QUIT "$(head -n 1 "$dir/data/postmaster.pid")"
		sleep 0.1
	done
} 2>/dev/null &
exec 3<&-
while
	"$@"
	[ -e "$dir/halted" ]
do
	touch "$dir/down"
	while [ -e "$dir/halted" ] && ! [ -e "$dir/over" ]; do sleep 0.05; done
	rm -f "$dir/down"
	! [ -e "$dir/over" ] || break
done
cd /
rm -rf "$dir"
