/**
 * The guardian as a bash script; `guardian-program.ts` is the same for systems without bash 4.4 or `/proc`.
 *
 * Arguments: `own`, or `shared`, the id of the shared session and the process id of etcdlocker. All of it is builtin
 * commands: it starts nothing, so it works when no process can be started any more. For the protocol see
 * `guardian-process.ts`, for who is a member `findMembers`.
 */
export const guardianScript: string = `
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || exit 70
trap '' HUP INT QUIT TERM TSTP TTIN TTOU USR1 USR2 PIPE
way=$1 session=$2 locker=$3
deadline= marker= leader=
# Reading from it waits, and nothing else.
exec {idle}<> <(:) || exit 70

read_now() {
  local uptime
  read -r uptime _ < /proc/uptime || exit 70
  now=$((10#\${uptime/./} * 10))
}

# Fields of /proc/PID/stat from the third on: state 0, parent 1, group 2, session 3, threads 17.
read_table() {
  local file line fields
  parents=() sessions=()
  for file in /proc/[0-9]*/stat; do
    line=
    IFS= read -r -d '' line < "$file"
    fields=(\${line##*) })
    [[ $line && ! (\${fields[0]} == [ZX] && \${fields[17]} -le 1) ]] || continue
    pid=\${file//[!0-9]/}
    parents[pid]=\${fields[1]} sessions[pid]=\${fields[3]}
  done
}

is_marked() {
  local variables
  mapfile -d '' -t variables < "/proc/$1/environ"
  printf -v variables '%s\\n' "" "\${variables[@]}"
  [[ $variables == *$'\\n'"$marker"$'\\n'* ]]
}

descends() {
  local at=$1 steps=0
  while [[ $at && $at != 0 ]] && ((steps++ < 1000)); do
    [[ $at == "$leader" ]] && return 0
    at=\${parents[at]}
  done
  return 1
}

is_member() {
  if [[ ! $leader ]]; then is_marked "$1"; return; fi
  [[ \${sessions[$1]} == "$leader" ]] && return 0
  [[ $way == shared && \${sessions[$1]} == "$session" && $1 != "$locker" ]] || return 1
  descends "$1" || is_marked "$1"
}

# A member that forks and ends between two entries of the table could hide its child in it, but hardly twice.
kill_all() {
  local pid members empty=0 tries=0
  while ((empty < 2 && tries++ < 6000)); do
    [[ $way == own && $leader ]] && kill -KILL -- "-$leader"
    read_table
    members=()
    for pid in "\${!parents[@]}"; do is_member "$pid" && members+=("$pid"); done
    if ((\${#members[@]})); then
      empty=0
      kill -KILL "\${members[@]}"
      read -r -t 0.01 -u "$idle"
    else
      ((empty++))
    fi
  done
}

expire() {
  [[ $marker ]] && kill_all
  [[ $leader ]] && exit 10
  # Nothing was started yet, or it is about to: as soon as it is known it is killed.
  read -r -t 0.05 -u "$idle"
}

# The clock that counts suspension is looked at often: the timer of read does not.
wait_ms() {
  wait=86400000
  [[ $deadline ]] || return
  read_now
  wait=$((deadline - now))
  ((wait > 0)) || expire
  ((wait > 200)) && wait=200
  ((wait < 1)) && wait=1
}

printf 'ready\\n'
exec 1>&-
buffer=
while :; do
  wait_ms
  printf -v timeout '%d.%03d' $((wait / 1000)) $((wait % 1000))
  IFS= read -r -t "$timeout" part
  status=$?
  buffer+=$part
  ((status > 128)) && continue
  if ((status != 0)); then
    [[ $marker ]] && kill_all
    exit 0
  fi
  case $buffer in
    "deadline "*) deadline=\${buffer#* } ;;
    "spawning "*) marker=\${buffer#* } ;;
    "leader "*) ((\${buffer#* } > 1)) && leader=\${buffer#* } ;;
    done) exit 0 ;;
  esac
  buffer=
done
`;
