# Lives as long as the directory $1 is wanted: its standard input is a pipe that its maker holds
# open. Once the maker is gone, in whatever way, every process that works in the directory ends
# and the directory goes.
dir=$1

workers() {
    find /proc/[0-9]*/cwd -maxdepth 0 \( -lname "$dir" -o -lname "$dir/*" \) 2>/dev/null |
        cut -d/ -f3
}

# A postmaster takes QUIT as an immediate shutdown and still gives back its shared memory.
end_workers() {
    for signal in QUIT KILL; do
        pids=$(workers)
        [ -n "$pids" ] || return 0
        kill -s "$signal" $pids 2>/dev/null
        tries=0
        while [ "$tries" -lt 60 ] && [ -n "$(workers)" ]; do
            sleep 0.05
            tries=$((tries + 1))
        done
    done
}

# A killed postmaster leaves its System V segment behind, named on the seventh line of its pid file.
free_shared_memory() {
    for file in "$dir"/*/postmaster.pid; do
        [ -f "$file" ] || continue
        id=$(sed -n '7s/.* //p' "$file")
        [ -z "$id" ] || ipcrm -m "$id" 2>/dev/null
    done
}

trap '' INT TERM HUP
while read -r _; do :; done
end_workers
free_shared_memory
rm -rf "$dir"
