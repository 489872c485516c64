# Runs the fuzzing client of the Autobahn test suite as `wstest -m fuzzingclient` does: fuzzing-client.py SPEC
# wstest itself cannot offer a subprotocol, for it writes what it read from JSON, unicode, to a socket that wants bytes.
import json
import sys

from twisted.internet import reactor

from autobahntestsuite.fuzzing import startClient

spec = json.load(open(sys.argv[1]))
for server in spec['servers']:
    server['protocols'] = map(str, server['protocols'])
startClient(spec)
reactor.run()
