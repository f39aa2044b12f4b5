# Short names for those who use just; the Makefile does the work.

# list the recipes
default:
    @just --list

# compile the core and install the package into .venv
sdk-python-build:
    make setup

# the same from nothing
sdk-python-rebuild:
    make clean setup

# all tests
sdk-python-test:
    make test

# the engine is embedded, so a restart is a fresh process: run the demo again
sdk-python-restart:
    make demo

# make everything ready and show what this machine offers
up:
    make setup
    .venv/bin/agnt5 doctor
