# Dumps every database of $MYSQL_HOST into $DUMP and tells what it holds, as one line of JSON.
# The dump gets its name only when it is complete, so what bears the name is good.
count_rows() { # rows of each table, one INSERT a line; bodies of triggers and routines do not count
    awk '
        /^DELIMITER ;;/ { body = 1 }
        /^DELIMITER ;$/ { body = 0 }
        /^USE `/ { split($0, part, "`"); database = part[2] }
        /^INSERT INTO `/ && !body && database != "mysql" && database != "sys" {
            split($0, part, "`"); rows[database "." part[2]]++; total++
        }
        END {
            printf "\"rows\": %d, \"tables\": {", total
            for (table in rows) { printf "%s\"%s\": %d", sep, table, rows[table]; sep = ", " }
            print "}"
        }'
}

summary=$DUMP.json
if [ ! -f "$summary" ]; then
    echo "dumping $MYSQL_HOST to $DUMP"
    mysqldump --host="$MYSQL_HOST" --user=root --single-transaction --routines --triggers --events \
        --skip-extended-insert --all-databases | gzip >"$DUMP.part"
    rows=$(gzip -dc "$DUMP.part" | count_rows)
    sha256=$(sha256sum <"$DUMP.part")
    bytes=$(stat -c %s "$DUMP.part")
    mv "$DUMP.part" "$DUMP"
    printf '{"name": "%s", "file": "%s", "bytes": %d, "sha256": "%s", "completedAt": "%s", %s}\n' \
        "$(basename "$DUMP" .sql.gz)" "$DUMP" "$bytes" "${sha256%% *}" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$rows" \
        >"$summary.part"
    mv "$summary.part" "$summary"
fi
cat "$summary"
