#!/usr/bin/env bash
# Writes a TOML file with every setting and its default as comments: write-default-config.sh BINARY FILE
set -euo pipefail
{
  echo "# Settings of SimpleIM: take away the # in front of what you change (and of its [section])."
  echo "# Then: simpleim check --config FILE; systemctl restart simpleim. SIMPLEIM_SECTION_NAME in the environment comes first."
  "$1" config | awk '
    /^[a-z0-9_]+\.[a-z0-9_]+/ {
      split($1, part, "."); key = part[2]
      value = $0; sub(/^[^ ]+  [^ ]+  ?/, "", value)
      if (part[1] != section) { section = part[1]; printf "\n# [%s]\n", section }
      next
    }
    {
      sub(/^ +/, "")
      if (value !~ /^(-?[0-9]+|true|false)$/) value = "\"" value "\""
      printf "# %s\n# %s = %s\n", $0, key, value
    }'
} >"$2"
