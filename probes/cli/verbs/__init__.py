"""The verbs of the command line, a file each and nothing else; `probes.cli.group` loads one when it is typed."""
