"""Notifications to browsers (Web Push): who asked for which, what is sent, and sending it.

`notifier.BrowserPush` is the door. May import `push` and what stands below.
"""
