#!/bin/sh
# GET /: a page with the greeting that the server at GREETER_URL gives; 502 when it gives none.
escape() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }
# Not wget's own -T: with it Debian's static busybox crashes.
if greeting=$(timeout 5 wget -q -O - "${GREETER_URL:-http://greeter:8080/}"); then
  status='200 OK'
else
  status='502 Bad Gateway' greeting="no greeting from ${GREETER_URL:-http://greeter:8080/}"
fi
greeting=$(printf %s "$greeting" | escape)
printf 'Status: %s\r\nContent-Type: text/html; charset=utf-8\r\n\r\n' "$status"
cat <<PAGE
<!doctype html>
<html lang="en">
<head><title>hello</title></head>
<body>
<h1>$greeting</h1>
<p>version ${VERSION:-1}, pod ${POD_NAME:-$(hostname)}</p>
</body>
</html>
PAGE
