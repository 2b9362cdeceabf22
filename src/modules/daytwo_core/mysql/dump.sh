# Dumps databases and accounts of the server into $DUMP and tells what it holds, as one line of JSON.
# The dump gets its name only when it is whole, so what bears the name is good.
#   PASSES (yes where the dump goes on to a bucket: what is told of it is here when it is there), DATABASES (one a line; all of the users' when empty), ACCOUNTS (yes or no), LOCK (yes or no), LEVEL
summary=$DUMP.json
if [ -f "$summary" ] && { [ "$PASSES" = yes ] || [ -f "$DUMP" ]; }; then
    echo "$DUMP is there"
    cat "$summary"
    exit
fi

# Rows of each table of a dump on standard input, as JSON. Texts are made short first, so that
# parentheses are those of rows alone; bodies of triggers and routines do not count.
count_rows() {
    sed -E -e 's/\\.//g' -e "s/'[^']*'/s/g" | awk '
        function count(text) { rows[table] += gsub(/\(/, "", text); inside = $0 !~ /;$/ }
        /^DELIMITER ;;/ { body = 1 }
        /^DELIMITER ;$/ { body = 0 }
        body { next }
        /^USE `/ { split($0, part, "`"); database = part[2] }
        /^CREATE TABLE `/ { split($0, part, "`"); rows[database "." part[2]] += 0 }
        /^INSERT INTO `/ {
            split($0, part, "`"); table = database "." part[2]
            count(substr($0, index($0, " VALUES") + 7)); next
        }
        inside && /^\(/ { count($0) }
        END {
            for (table in rows) total += rows[table]
            printf "\"rows\": %d, \"tables\": {", total
            for (table in rows) {
                name = table; gsub(/["\\]/, "\\\\&", name)
                printf "%s\"%s\": %d", sep, name, rows[table]; sep = ", "
            }
            print "}"
        }'
}

# Accounts and what they may, beside those that every server has. All are there before one is granted to another, as
# a role is; those of MySQL are accounts, which the creation of another may name. A role of MariaDB has no host.
accounts() {
    local name created defaults=
    # MySQL shows hashes of passwords as bytes unless asked otherwise; what stands in its comment only it reads.
    local readable='set @readable = 1 /*!80017 , session print_identified_with_as_hex = 1 */'
    while IFS= read -r name; do
        [ -z "$name" ] || echo "CREATE ROLE IF NOT EXISTS $name;"
    done <<<"$roles"
    while IFS= read -r name; do
        [ -n "$name" ] || continue
        created=$(sql "$readable; show create user $name")
        if [[ $created =~ ^(.*)' DEFAULT ROLE '(.*)(' REQUIRE '(NONE|SSL|X509|SUBJECT|ISSUER|CIPHER).*)$ ]]; then
            created=${BASH_REMATCH[1]}${BASH_REMATCH[3]}
            defaults+="ALTER USER $name DEFAULT ROLE ${BASH_REMATCH[2]};"$'\n'
        fi
        echo "${created/#CREATE USER /CREATE USER IF NOT EXISTS };"
    done <<<"$users"
    while IFS= read -r name; do
        [ -z "$name" ] || sql "show grants for $name" | sed 's/$/;/'
    done <<<"$users"$'\n'"$roles"
    printf %s "$defaults"
    echo "FLUSH PRIVILEGES;"
}

begin=$SECONDS
version=$(sql 'select version()')
users=
roles=
if [ "$ACCOUNTS" = yes ]; then
    users=$(sql "select concat(quote(user), '@', quote(host)) from mysql.user
        where host <> '' and user not in ('', 'root', 'mariadb.sys', 'mysql.sys', 'mysql.session', 'mysql.infoschema')")
    if [ "$(flavour "$version")" = MariaDB ]; then
        roles=$(sql "select quote(user) from mysql.user where host = '' and user not in ('', 'PUBLIC')")
    fi
fi
[ -n "$DATABASES" ] || DATABASES=$(sql "select schema_name from information_schema.schemata where schema_name not in ($system_schemas)")
databases=()
[ -z "$DATABASES" ] || mapfile -t databases <<<"$DATABASES"
flags=(--quick --no-tablespaces --routines --triggers --events --hex-blob --max-allowed-packet=1G)
if [ "$LOCK" = yes ]; then flags+=(--lock-all-tables); else flags+=(--single-transaction); fi
# MySQL's own: no word of replication, and the histograms.
known=$("$dumper" --help)
for flag in --set-gtid-purged=OFF --column-statistics=1; do
    [[ $known != *"${flag%=*}"* ]] || flags+=("$flag")
done

contents() {
    [ ${#databases[@]} = 0 ] || "$dumper" "${server[@]}" "${flags[@]}" --databases "${databases[@]}"
    [ "$ACCOUNTS" = no ] || accounts
}

echo "dumping ${#databases[@]} databases of $MYSQL_HOST ($version) to $DUMP"
mkdir -p "$(dirname "$DUMP")"
part=$DUMP.$$.part
trap 'rm -f "$part" "$summary.part"' EXIT
mkfifo /tmp/rows
count_rows </tmp/rows >/tmp/counts &
counter=$!
contents | tee /tmp/rows | gzip "-$LEVEL" >"$part"
wait $counter
sync "$part"
sha256=$(sha256sum <"$part")
bytes=$(stat -c %s "$part")
printf '{"name": "%s", "file": "%s", "bytes": %d, "sha256": "%s", "server": "%s", "completedAt": "%s", "seconds": %d, %s}\n' \
    "$(basename "$DUMP" .sql.gz)" "${DUMP#/dumps/}" "$bytes" "${sha256%% *}" "$version" \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" $((SECONDS - begin)) "$(cat /tmp/counts)" >"$summary.part"
mv "$part" "$DUMP"
mv "$summary.part" "$summary"
cat "$summary"
