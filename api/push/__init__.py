"""Live updates: from topics over the feed and the hub to subscribed clients.

`hub.Hub` is the door: it holds the subscriptions, the present state and the replay buffer. May
import `web` and what stands below.
"""
