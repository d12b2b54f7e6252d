"""What the running sides of several connectors share; it knows none of them.

`backoff` has the pauses between attempts, `threaded_writer` and `batch_writer` the queue and the
threads of sinks, `signature` the signatures of HTTP messages, `retention` and `error_text` small
things of stores, `private_files` folders and files that only their owner may read, `line_log` such
a file as a log of what waits. The package imports `connectors.base` and `operators`.
"""
