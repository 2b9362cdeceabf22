module daytwo.dev/tests/cluster/relay

go 1.24
