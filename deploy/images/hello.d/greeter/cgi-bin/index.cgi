#!/bin/sh
# GET /: the text of the environment variable GREETING.
printf 'Content-Type: text/plain; charset=utf-8\r\n\r\n%s\n' "${GREETING:-Hello, world}"
