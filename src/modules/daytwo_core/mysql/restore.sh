# Reads the dump $DUMP into the server and tells how many rows its tables then have, as one line of JSON.
#   PASSES (yes where the dump came from a bucket), SHA256 (that of the file beside the dump when empty), EXISTING (refuse, replace or keep)
[ "$PASSES" = no ] || trap 'rm -f "$DUMP" "$DUMP.json"' EXIT
[ -f "$DUMP" ] || fail "there is no dump $DUMP"
wanted=$SHA256
if [ -z "$wanted" ] && [ -f "$DUMP.json" ]; then
    wanted=$(sed -n 's/.*"sha256": "\([0-9a-f]*\)".*/\1/p' "$DUMP.json")
fi
[ -n "$wanted" ] || fail "no checksum of $DUMP is known: give sha256"
found=$(sha256sum <"$DUMP")
found=${found%% *}
[ "$found" = "$wanted" ] || fail "$DUMP is damaged: its sha256 is $found, not $wanted"
echo "$DUMP: checksum is right"

begin=$SECONDS
version=$(sql 'select version()')
if [ -f "$DUMP.json" ]; then
    dumped=$(sed -n 's/.*"server": "\([^"]*\)".*/\1/p' "$DUMP.json")
    [ "$(flavour "$dumped")" = "$(flavour "$version")" ] || fail "the dump is of $(flavour "$dumped") ($dumped)," \
        "and the server is $(flavour "$version") ($version): neither reads the other's dumps"
fi
tables=$(sql "select count(*) from information_schema.tables where table_schema not in ($system_schemas)")
if [ "$tables" != 0 ]; then
    case $EXISTING in
    refuse) fail "the server $MYSQL_HOST is not empty: it has $tables tables; existing: replace drops them, keep keeps what the dump does not have" ;;
    replace)
        while IFS= read -r database; do
            echo "dropping $database"
            sql "drop database \`${database//\`/\`\`}\`"
        done < <(sql "select schema_name from information_schema.schemata where schema_name not in ($system_schemas)")
        ;;
    esac
fi

echo "restoring into $MYSQL_HOST ($version)"
gzip -dc "$DUMP" | "$client" "${server[@]}" --max-allowed-packet=1G \
    --init-command='set autocommit = 0, unique_checks = 0, foreign_key_checks = 0' >/tmp/output
sql "select concat('select ', quote(concat(table_schema, '.', table_name)), ', count(*) from ',
        '\`', replace(table_schema, '\`', '\`\`'), '\`.\`', replace(table_name, '\`', '\`\`'), '\`;')
    from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in ($system_schemas)" |
    "$client" "${server[@]}" --batch --raw --skip-column-names >/tmp/counts
awk -F '\t' -v file="${DUMP#/dumps/}" -v sha256="$found" -v server="$version" -v seconds=$((SECONDS - begin)) '
    { name = $1; gsub(/["\\]/, "\\\\&", name); tables = tables sep "\"" name "\": " $2; sep = ", "; rows += $2 }
    END {
        printf "{\"file\": \"%s\", \"sha256\": \"%s\", \"server\": \"%s\", \"seconds\": %d, ", file, sha256, server, seconds
        printf "\"rows\": %d, \"tables\": {%s}, \"dumped\": ", rows, tables
    }' /tmp/counts >/tmp/told
if [ -f "$DUMP.json" ]; then tr -d '\n' <"$DUMP.json" >>/tmp/told; else printf null >>/tmp/told; fi
echo "$(cat /tmp/told)}"
