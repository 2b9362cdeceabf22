# The client programs by their names of today or of before, and the server to talk to.
client=$(command -v mariadb || command -v mysql)
dumper=$(command -v mariadb-dump || command -v mysqldump)
mapfile -t options <<<"$CLIENT_OPTIONS"
[ -n "$CLIENT_OPTIONS" ] || options=()
server=("--host=$MYSQL_HOST" "--port=$MYSQL_PORT" "--user=$MYSQL_ACCOUNT" "${options[@]}" --default-character-set=utf8mb4)
sql() { "$client" "${server[@]}" --batch --raw --skip-column-names --execute "$1"; }
# Which of the two a version is of, as the server tells it.
flavour() { case $1 in *MariaDB*) echo MariaDB ;; *) echo MySQL ;; esac }
fail() { echo "$*" >&2; exit 1; }
system_schemas="'mysql', 'sys', 'information_schema', 'performance_schema'"
