"""``python -m probes``: the command `probes` where it is not on the path."""

from probes.cli import main

if __name__ == "__main__":
    main(prog_name="probes")
