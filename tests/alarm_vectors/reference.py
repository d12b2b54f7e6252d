# ruff: noqa
"""A second, plain and slow implementation of the alarm engine, only to compare the real one with.

It was written apart from it, straight from the semantics. `limit`, `unit` and `labels` are left out
here.
"""

import hashlib, json, math, re

NEVER = -1e15  # "no instant yet"; finite so that a snapshot is plain JSON
SEVERITIES = ["info", "warning", "major", "critical"]
KINDS = ("above", "below", "outside", "inside", "equals", "rate_above", "rate_below")
PERMS = {
    "ack": "ack",
    "unack": "ack",
    "comment": "comment",
    "shelve": "shelve",
    "unshelve": "shelve",
    "suppress": "suppress",
    "unsuppress": "suppress",
    "out_of_service": "service",
    "in_service": "service",
    "reset": "reset",
}
TIMER_ORDER = ["pulse", "off", "on", "severity", "no_data", "inhibit_hold", "shelve", "realarm"]


def secs(x):
    if x is None or isinstance(x, (int, float)):
        return x
    unit = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", x)
    if not parts or "".join(a + b for a, b in parts) != x:
        raise ValueError(f"not a duration: {x!r}")
    total = sum(float(a) * unit[b] for a, b in parts)
    return int(total) if total == int(total) else total


class Rule:
    def __init__(self, raw):
        self.raw = raw
        self.id = raw.get("id", "r1")
        self.hash = hashlib.sha256(
            json.dumps(raw, sort_keys=True, default=str).encode()
        ).hexdigest()[:12]
        g = raw.get
        when = g("when") or {}
        self.absent = secs(when.get("absent"))
        base = g("severity", "warning")
        levels = g("levels") or ([dict(when, severity=base)] if self.absent is None else [])
        self.levels = sorted(
            (dict(x, rank=SEVERITIES.index(x["severity"])) for x in levels), key=lambda x: x["rank"]
        )
        self.base_severity = self.levels[0]["severity"] if self.levels else base
        self.window = secs(when.get("window", g("rate_window")))
        self.on, self.off = secs(g("for", 0)), secs(g("clear_after", 0))
        self.escalate_after, self.deescalate_after = (
            secs(g("escalate_after", 0)),
            secs(g("deescalate_after", 0)),
        )
        self.latch, self.ack_required, self.enabled = (
            g("latch", False),
            g("ack_required", True),
            g("enabled", True),
        )
        self.realarm, self.max_shelve = secs(g("realarm")), secs(g("max_shelve", "8h"))
        self.unshelve_on_escalate = g("unshelve_on_escalate", False)
        self.expect = self.absent if self.absent is not None else secs(g("expect_every"))
        self.no_data = (
            "alarm"
            if self.absent is not None
            else g("no_data", "keep" if self.expect else "ignore")
        )
        self.no_data_severity = g("no_data_severity", self.base_severity)
        self.suppress_when, self.suppress_hold = g("suppress_when", []), secs(g("suppress_hold", 0))
        self.n_of_m = g("n_of_m")
        flap = g("flap")
        self.flap = flap and (flap["max"], secs(flap["window"]), secs(flap["hold"]))
        self.pulse, self.unit, self.max_future = (
            secs(g("pulse")),
            g("unit"),
            secs(g("max_future", "5m")),
        )
        self.emit_pending = g("emit_pending", False)
        self.labels, self.group_by = g("labels", {}), g("group_by")
        self.group_wait, self.group_interval = (
            secs(g("group_wait", 30)),
            secs(g("group_interval", 300)),
        )
        self.repeat, self.flood = secs(g("repeat", 14400)), g("flood")

    def shape(self):  # what makes old values meaningless when it changes
        return json.dumps(
            [
                [sorted(k for k in KINDS if k in lv) for lv in self.levels],
                self.unit,
                self.raw.get("signal"),
                self.absent is not None,
            ],
            sort_keys=True,
        )

    def limits(self):  # what forces a re-evaluation and restarts an on-delay
        cut = [{k: v for k, v in lv.items() if k not in ("severity", "rank")} for lv in self.levels]
        return json.dumps([cut, self.n_of_m, self.window], sort_keys=True, default=str)

    def severities(self):
        return [lv["severity"] for lv in self.levels]


def test_level(lv, value, rate):
    """-> (breach, normal); both False inside the hysteresis band; None when it cannot be judged."""
    clear = lv.get("clear")
    if "above" in lv:
        return value > lv["above"], value <= (lv["above"] if clear is None else clear)
    if "below" in lv:
        return value < lv["below"], value >= (lv["below"] if clear is None else clear)
    if "outside" in lv:
        lo, hi = lv["outside"]
        clo, chi = clear or (lo, hi)
        return value < lo or value > hi, clo <= value <= chi
    if "inside" in lv:
        lo, hi = lv["inside"]
        clo, chi = clear or (lo, hi)
        breach = lo <= value <= hi
        return breach, not breach and (value <= clo or value >= chi)
    if "equals" in lv:
        same = (
            type(value) is type(lv["equals"])
            and value == lv["equals"]
            or (
                not isinstance(value, (bool, str))
                and not isinstance(lv["equals"], (bool, str))
                and value == lv["equals"]
            )
        )
        return same, not same
    if rate is None:
        return None
    if "rate_above" in lv:
        return rate > lv["rate_above"], rate <= (lv["rate_above"] if clear is None else clear)
    return rate < lv["rate_below"], rate >= (lv["rate_below"] if clear is None else clear)


def fresh():
    return dict(
        occ=0,
        seq=0,
        clock=NEVER,
        wall=NEVER,
        floor=NEVER,
        wall_floor=NEVER,
        enabled=True,
        active=False,
        acked=True,
        shelved=None,
        until=None,
        manual=False,
        inhibitors=[],
        inh_until=None,
        oos=False,
        latched=False,
        no_data=False,
        flapping=False,
        phase="normal",
        since=None,
        lvl=[],
        severity=None,
        sev_since=None,
        last_ts=NEVER,
        ids=[],
        last_good=None,
        last_value=None,
        unit=None,
        window=[],
        hist=[],
        acts=[],
        pulse_at=None,
        annunciated=False,
        realarm_from=None,
        repeats=0,
        cmd_ids=[],
        last_flags=None,
        evidence=None,
        counters={},
        activated_at=None,
        returned_at=None,
        acked_at=None,
    )


class Alarm:
    def __init__(self, engine, rule, subject, state=None):
        self.engine, self.rule, self.subject = engine, rule, subject
        self.s = state or fresh()
        if state is None:
            self.s["enabled"] = rule.enabled
            self.s["last_flags"] = self.flags()

    # -- derived
    # -------------------------------------------------------------------------
    def suppressed(self):
        return bool(self.s["manual"] or self.s["inhibitors"] or self.s["inh_until"] is not None)

    def masked(self):
        s = self.s
        return bool(s["shelved"] or self.suppressed() or s["oos"] or not s["enabled"])

    def flags(self):
        s = self.s
        out = [] if s["enabled"] else ["disabled"]
        out += ["active"] if s["active"] else []
        out += [] if s["acked"] else ["unacked"]
        out += ["shelved:" + s["shelved"]] if s["shelved"] else []
        out += ["suppressed"] if self.suppressed() else []
        for name, key in (
            ("oos", "oos"),
            ("latched", "latched"),
            ("no_data", "no_data"),
            ("flapping", "flapping"),
        ):
            out += [name] if s[key] else []
        return out

    def isa(self):
        s = self.s
        if not s["enabled"]:
            return "-"
        if s["oos"]:
            return "G"
        if self.suppressed():
            return "F"
        if s["shelved"]:
            return "E"
        if s["active"]:
            return "C" if s["acked"] else "B"
        return "D" if not s["acked"] or s["latched"] else "A"

    def count(self, name):
        self.s["counters"][name] = self.s["counters"].get(name, 0) + 1

    # -- output
    # -------------------------------------------------------------------------
    def emit(self, event, t, reason, annunciate=False, **extra):
        s = self.s
        s["seq"] += 1
        if annunciate:
            s["annunciated"] = True
            s["realarm_from"] = s["wall"]
        key = f"{self.engine.run}|{self.rule.id}|{self.subject}|{s['occ']}|{s['seq']}"
        tr = dict(
            id=hashlib.sha256(key.encode()).hexdigest()[:32],
            rule=self.rule.id,
            subject=self.subject,
            occ=s["occ"],
            seq=s["seq"],
            event=event,
            at=t,
            recorded=s["wall"],
            **{"from": s["last_flags"]},
            flags=self.flags(),
            isa=self.isa(),
            severity=s["severity"],
            value=s["last_value"],
            reason=reason,
            annunciate=annunciate,
            rule_hash=self.rule.hash,
            evidence=s["evidence"],
            **extra,
        )
        s["last_flags"] = tr["flags"]
        self.engine.out(self, tr)

    def phase(self, name, t, event, reason):
        self.s["phase"], self.s["since"] = name, t
        if event and self.rule.emit_pending:
            self.emit(event, t, reason)

    # -- transitions
    # -------------------------------------------------------------------------
    def top_level(self):
        on = [lv["severity"] for lv, x in zip(self.rule.levels, self.s["lvl"]) if x]
        return on[-1] if on else None

    def activate(self, t, reason, severity=None):
        s, r = self.s, self.rule
        s.update(
            occ=s["occ"] + 1,
            active=True,
            phase="active",
            since=t,
            acked=not r.ack_required,
            latched=r.latch,
            annunciated=False,
            realarm_from=None,
            repeats=0,
            sev_since=None,
            activated_at=t,
            returned_at=None,
            acked_at=None,
            severity=severity or self.top_level() or r.base_severity,
        )
        if r.flap:
            s["acts"] = [a for a in s["acts"] if a > t - r.flap[1]] + [t]
            s["flapping"] = len(s["acts"]) >= r.flap[0]
        self.emit("activated", t, reason, annunciate=not self.masked())

    def off_delay(self):
        return max(self.rule.off, self.rule.flap[2]) if self.s["flapping"] else self.rule.off

    def start_return(self, t, reason):
        if self.off_delay() <= 0:
            self.give_return(t, reason)
        else:
            self.s["sev_since"] = None
            self.phase("recovering", t, "recovering", reason)

    def give_return(self, t, reason):
        s = self.s
        s.update(
            active=False,
            phase="normal",
            since=None,
            sev_since=None,
            flapping=False,
            returned_at=t,
            lvl=[False] * len(self.rule.levels),
            realarm_from=None,
        )
        self.emit("returned", t, reason)
        if s["shelved"] == "oneshot":
            s.update(shelved=None, until=None)
            self.unmask("unshelved", t, "oneshot_done")

    def unmask(self, event, t, reason, force=False, **extra):
        s = self.s
        ann = False
        if not self.masked():
            if s["active"]:
                if force and self.rule.ack_required:
                    s["acked"] = False
                ann = force or not s["acked"] or not (self.rule.ack_required or s["annunciated"])
            elif not s["acked"] and not s["annunciated"]:
                s["acked"] = True  # came and went unseen: nothing to acknowledge
        self.emit(event, t, reason, annunciate=ann, **extra)
        if s["active"] and not self.masked():
            s["realarm_from"] = s["wall"]

    # -- evaluation
    # -------------------------------------------------------------------------
    def judge(self, value):
        """levels against a value -> (breach, normal) or None when undecidable; updates the level
        memory.
        """
        r, s = self.rule, self.s
        if not r.levels:
            return False, True
        rate = None
        if s["hist"]:
            (t0, v0), (t1, v1) = s["hist"][0], s["hist"][-1]
            rate = (v1 - v0) / (t1 - t0) if t1 > t0 else None
        tests = [test_level(lv, value, rate) for lv in r.levels]
        if any(x is None for x in tests):
            return None
        held = s["phase"] in ("active", "recovering") and len(s["lvl"]) == len(tests)
        s["lvl"] = [
            True if b else False if n and not r.n_of_m else (held and s["lvl"][i])
            for i, (b, n) in enumerate(tests)
        ]
        return any(b for b, _ in tests), all(n for _, n in tests)

    def vote(self, breach, normal):
        """N-of-M over the last M good readings."""
        s = self.s
        if self.rule.n_of_m:
            n, m = self.rule.n_of_m
            s["window"] = (s["window"] + [breach])[-m:]
            breach = sum(s["window"]) >= n
            normal = normal and not breach
        return breach, normal

    def apply(self, t, breach, normal, reason):
        s, r = self.s, self.rule
        ph = s["phase"]
        if ph == "normal" and breach:
            if r.on <= 0:
                self.activate(t, reason)
            else:
                self.phase("pending", t, "pending", reason)
        elif ph == "pending" and not breach:
            self.phase("normal", None, None, reason)
            if r.emit_pending:
                self.emit("cancelled", t, reason)
        elif ph == "active" and normal:
            self.start_return(t, reason)
        elif ph in ("active", "recovering") and not normal:
            if ph == "recovering":
                self.phase("active", t, "resumed", reason)
            self.severity(t, reason)

    def severity(self, t, reason):
        s, r = self.s, self.rule
        now = self.top_level() or r.base_severity
        if now == s["severity"]:
            s["sev_since"] = None
            return
        up = SEVERITIES.index(now) > SEVERITIES.index(s["severity"])
        if s["sev_since"] is None or s["sev_since"][1] != up:
            s["sev_since"] = [t, up]
        if (r.escalate_after if up else r.deescalate_after) <= 0:
            self.set_severity(t, now, up, reason)

    def set_severity(self, t, now, up, reason):
        s = self.s
        s.update(severity=now, sev_since=None)
        if not up:
            return self.emit("deescalated", t, reason)
        if self.rule.ack_required:
            s["acked"] = False
        if s["shelved"] and self.rule.unshelve_on_escalate:
            s.update(shelved=None, until=None)
        self.emit("escalated", t, reason, annunciate=not self.masked())

    def enter_no_data(self, t, reason="no_data"):
        s, r = self.s, self.rule
        s.update(no_data=True, window=[], hist=[], pulse_at=None, sev_since=None)
        ph = s["phase"]
        if r.no_data == "alarm":
            if ph in ("normal", "pending"):
                return self.activate(t, reason, r.no_data_severity)
            s.update(phase="active", since=t)
            return self.emit("no_data", t, reason)
        self.emit("no_data", t, reason)
        if ph == "pending":
            self.phase("normal", None, None, reason)
            if r.emit_pending:
                self.emit("cancelled", t, reason)
        elif r.no_data == "ok" and ph == "active":
            self.start_return(t, "no_data")
        elif r.no_data == "keep" and ph == "recovering":
            self.phase("active", t, "resumed", reason)

    # -- timers
    # -------------------------------------------------------------------------
    def timers(self):
        """-> [(deadline, order, name, is_wall)]"""
        s, r = self.s, self.rule
        out = []
        if not s["enabled"]:
            return out

        def add(name, deadline, wall=False):
            out.append(
                (
                    deadline if wall else max(deadline, s["floor"]),
                    TIMER_ORDER.index(name),
                    name,
                    wall,
                )
            )

        if s["pulse_at"] is not None and r.pulse:
            add("pulse", s["pulse_at"] + r.pulse)
        if s["phase"] == "pending":
            add("on", s["since"] + r.on)
        if s["phase"] == "recovering":
            add("off", s["since"] + self.off_delay())
        if s["phase"] == "active" and s["sev_since"]:
            add(
                "severity",
                s["sev_since"][0] + (r.escalate_after if s["sev_since"][1] else r.deescalate_after),
            )
        if r.no_data != "ignore" and r.expect and not s["no_data"] and s["last_good"] is not None:
            add("no_data", s["last_good"] + r.expect)
        if s["inh_until"] is not None:
            add("inhibit_hold", s["inh_until"])
        if s["until"] is not None:
            add("shelve", max(s["until"], s["wall_floor"]), True)
        if r.realarm and s["active"] and not self.masked() and s["realarm_from"] is not None:
            add("realarm", max(s["realarm_from"] + r.realarm, s["wall_floor"]), True)
        return out

    def fire(self, name, t):
        s, r = self.s, self.rule
        if name == "pulse":
            s["pulse_at"] = None
            s["lvl"] = [False] * len(r.levels)
            self.apply(t, False, True, "pulse_end")
        elif name == "on":
            self.activate(t, "condition")
        elif name == "off":
            self.give_return(t, "no_data" if s["no_data"] else "condition")
        elif name == "severity":
            now, up = self.top_level() or r.base_severity, s["sev_since"][1]
            self.set_severity(t, now, up, "condition")
        elif name == "no_data":
            self.enter_no_data(t)
        elif name == "inhibit_hold":
            s["inh_until"] = None
            if not self.suppressed():
                self.unmask("unsuppressed", t, "inhibit_hold")
        elif name == "shelve":
            s.update(shelved=None, until=None)
            self.unmask("unshelved", t, "expired", force=True)
        elif name == "realarm":
            s["repeats"] += 1
            if r.ack_required:
                s["acked"] = False
            self.emit("realarmed", t, "realarm", annunciate=True)
            s["realarm_from"] = t

    # -- inputs
    # -------------------------------------------------------------------------
    def accept(self, x, at):
        """Admission of a reading, before any timer runs. -> effective event time or None
        (dropped, counted).
        """
        s = self.s
        if not s["enabled"]:
            return None
        ts = x.get("ts", at)
        if ts > at + self.rule.max_future:
            return self.count("future")
        if ts == s["last_ts"] and x.get("id") is not None and x["id"] in s["ids"]:
            return self.count("duplicate")
        if ts < s["last_ts"]:
            return self.count("late")
        if ts < s["clock"]:
            self.count("behind")
        return max(ts, s["clock"])

    def reading(self, x, at, t):
        s, r = self.s, self.rule
        ts, value, quality = x.get("ts", at), x.get("value"), x.get("quality", "good")
        s["ids"] = (s["ids"] if ts == s["last_ts"] else []) + (
            [x["id"]] if x.get("id") is not None else []
        )
        s["last_ts"] = ts
        if quality == "stale":
            return self.count("stale")
        why = None
        numeric = any(k != "equals" for lv in r.levels for k in lv if k in KINDS)
        if quality != "good" or value is None or value in ("unavailable", "unknown"):
            why = "unavailable"
        elif numeric and (isinstance(value, (bool, str)) or not math.isfinite(value)):
            why = "not_a_number"
        elif isinstance(value, float) and not math.isfinite(value):
            why = "not_a_number"
        elif x.get("unit") and (r.unit or s["unit"]) not in (None, x["unit"]):
            why = "unit"
        if why:
            self.count("bad")
            if s["last_good"] is None:
                s["last_good"] = t  # the subject exists: the no-data clock starts
            if r.expect is None and r.no_data != "ignore" and not s["no_data"]:
                self.enter_no_data(t, why)
            return
        s["unit"] = r.unit or s["unit"] or x.get("unit")
        s.update(last_good=t, last_value=value, evidence={"id": x.get("id"), "ts": ts})
        if s["no_data"]:
            s["no_data"] = False
            self.emit("data_back", t, "data")
        if r.window:
            s["hist"] = [h for h in s["hist"] if h[0] >= ts - r.window and h[0] < ts] + [
                [ts, value]
            ]
        verdict = self.judge(value)
        if verdict is None:
            return
        breach, normal = self.vote(*verdict)
        if r.pulse:
            if breach:
                s["pulse_at"] = t
            elif normal:
                s["pulse_at"] = None
        self.apply(t, breach, normal, "condition")

    def inhibit(self, source, on, t):
        s = self.s
        was = self.suppressed()
        if on:
            if source not in s["inhibitors"]:
                s["inhibitors"] = sorted(s["inhibitors"] + [source])
            s["inh_until"] = None
            if not was:
                self.emit("suppressed", t, "inhibit:" + source)
        elif source in s["inhibitors"]:
            s["inhibitors"] = [i for i in s["inhibitors"] if i != source]
            if not s["inhibitors"]:
                if self.rule.suppress_hold > 0:
                    s["inh_until"] = t + self.rule.suppress_hold
                elif not self.suppressed():
                    self.unmask("unsuppressed", t, "inhibit:" + source)

    def command(self, c, t):
        s, r, do = self.s, self.rule, c["do"]
        if c.get("id") is not None:
            if c["id"] in s["cmd_ids"]:
                return self.count("duplicate")
            s["cmd_ids"] = (s["cmd_ids"] + [c["id"]])[-256:]
        who = {"user": c.get("user", "op"), "comment": c.get("comment")}
        err = self.check(c)
        if err:
            self.count("rejected")
            return self.engine.reject(self, c, t, err)
        if do == "ack":
            s.update(acked=True, acked_at=t)
            if s["realarm_from"] is not None:
                s["realarm_from"] = t
            self.emit("acked", t, "command", **who)
        elif do == "unack":
            s.update(acked=False, acked_at=None)
            self.emit("unacked", t, "command", annunciate=not self.masked(), **who)
        elif do == "shelve":
            if c.get("oneshot"):
                s.update(
                    shelved="oneshot", until=None if r.max_shelve is None else t + r.max_shelve
                )
            else:
                s.update(shelved="timed", until=t + secs(c["duration"]))
            self.emit("shelved", t, "command", until=s["until"], **who)
        elif do == "unshelve":
            s.update(shelved=None, until=None)
            self.unmask("unshelved", t, "command", **who)
        elif do == "suppress":
            was = self.suppressed()
            s["manual"] = True
            self.emit("suppressed" if not was else "commented", t, "command", **who)
        elif do == "unsuppress":
            s["manual"] = False
            if self.suppressed():
                self.emit("commented", t, "command", **who)
            else:
                self.unmask("unsuppressed", t, "command", **who)
        elif do == "out_of_service":
            s["oos"] = True
            self.emit("out_of_service", t, "command", **who)
        elif do == "in_service":
            s["oos"] = False
            self.unmask("in_service", t, "command", **who)
        elif do == "reset":
            s["latched"] = False
            self.emit("reset", t, "command", **who)
        elif do == "comment":
            self.emit("commented", t, "command", **who)

    def check(self, c):
        s, r, do = self.s, self.rule, c["do"]
        if do not in PERMS:
            return "unknown_command"
        if "granted" in c and "alarm." + PERMS[do] not in c["granted"]:
            return "forbidden"
        if do == "comment":
            return None if c.get("comment") else "comment_required"
        if not s["enabled"]:
            return "disabled"
        if c.get("occurrence") is not None and c["occurrence"] != s["occ"]:
            return "wrong_occurrence"
        if do == "ack":
            return "no_occurrence" if s["occ"] == 0 else "already_acked" if s["acked"] else None
        if do == "unack":
            return (
                "not_active"
                if not s["active"]
                else (
                    "ack_not_required"
                    if not r.ack_required
                    else "not_acked"
                    if not s["acked"]
                    else None
                )
            )
        if do == "shelve":
            if c.get("oneshot"):
                return "already_shelved" if s["shelved"] == "oneshot" else None
            d = secs(c.get("duration"))
            if d is None or d <= 0:
                return "bad_duration"
            return "shelve_too_long" if r.max_shelve is not None and d > r.max_shelve else None
        if do == "unshelve":
            return None if s["shelved"] else "not_shelved"
        if do == "suppress":
            return "already_suppressed" if s["manual"] else None
        if do == "unsuppress":
            return (
                None
                if s["manual"]
                else "inhibited_by_rule"
                if self.suppressed()
                else "not_suppressed"
            )
        if do == "out_of_service":
            return (
                "already_out_of_service"
                if s["oos"]
                else None
                if c.get("comment")
                else "comment_required"
            )
        if do == "in_service":
            return None if s["oos"] else "not_out_of_service"
        if do == "reset":
            return (
                "not_latched"
                if not s["latched"]
                else "still_active"
                if s["active"]
                else "not_acked"
                if not s["acked"]
                else None
            )

    def change_rule(self, new, t):
        old, self.rule, s = self.rule, new, self.s
        # an edit never makes anything happen in the past
        s["floor"], s["wall_floor"] = t, s["wall"]
        if old.enabled != new.enabled:
            s["enabled"] = new.enabled
            if not new.enabled:
                s.update(
                    active=False,
                    acked=True,
                    latched=False,
                    no_data=False,
                    flapping=False,
                    phase="normal",
                    since=None,
                    sev_since=None,
                    pulse_at=None,
                    window=[],
                    hist=[],
                    inh_until=None,
                    returned_at=t if s["active"] else s["returned_at"],
                    realarm_from=None,
                )
                return self.emit("disabled", t, "rule_changed")
            s["last_good"] = t
            return self.emit("enabled", t, "rule_changed")
        if self.isa() not in ("A", "-"):
            self.emit("rule_changed", t, "rule_changed")
        if not s["enabled"]:
            return
        if old.shape() != new.shape():
            s.update(window=[], hist=[], last_value=None, unit=None, pulse_at=None, sev_since=None)
            if s["phase"] == "pending":
                self.phase("normal", None, None, "rule_changed")
                if new.emit_pending:
                    self.emit("cancelled", t, "rule_changed")
            elif s["active"]:
                self.give_return(t, "rule_changed")
            s["lvl"] = [False] * len(new.levels)
        elif old.limits() != new.limits() or old.severities() != new.severities():
            moved = old.limits() != new.limits()
            if moved:
                s["window"] = []
            if len(s["lvl"]) != len(new.levels):
                s["lvl"] = [False] * len(new.levels)
            if s["last_value"] is None or s["no_data"]:
                return
            verdict = self.judge(s["last_value"])
            if verdict is None:
                return
            breach, normal = self.vote(*verdict) if moved else verdict
            if moved and s["phase"] == "pending" and breach:
                s["since"] = t
            if moved or s["phase"] in ("active", "recovering"):
                self.apply(t, breach, normal, "rule_changed")


class Engine:
    def __init__(self, rules, run=""):
        self.run, self.rules = run, {r.id: r for r in rules}
        self.alarms, self.tombs, self.log, self.rejects = {}, {}, [], []
        self.notifier = Notifier(self)

    # -- plumbing
    # -------------------------------------------------------------------------
    def alarm(self, rule, subject, at=None, wall=NEVER):
        key = (rule, subject)
        if key not in self.alarms:
            a = self.alarms[key] = Alarm(self, self.rules[rule], subject)
            a.s.update(self.tombs.pop(key, {}), wall=wall)
            for src in a.rule.suppress_when:
                other = self.alarms.get((src, subject))
                if other and other.s["active"] and not other.s["oos"]:
                    a.inhibit(
                        src, True, other.s["clock"] if at is None else max(at, other.s["clock"])
                    )
        return self.alarms[key]

    def out(self, alarm, tr):
        self.log.append(tr)
        self.notifier.see(alarm, tr)
        on = alarm.s["active"] and not alarm.s["oos"]
        for rid, r in self.rules.items():
            target = self.alarms.get((rid, alarm.subject))
            if alarm.rule.id in r.suppress_when and target and target is not alarm:
                if on != (alarm.rule.id in target.s["inhibitors"]):
                    t = max(target.s["clock"], tr["at"])
                    self.run_timers([target], alarm.s["wall"], t, True)
                    target.inhibit(alarm.rule.id, on, t)

    def reject(self, alarm, c, t, err):
        self.log.append(
            dict(
                event="rejected",
                at=t,
                rule=alarm.rule.id if alarm else c.get("rule"),
                subject=alarm.subject if alarm else c.get("subject"),
                error=err,
                command=c["do"],
                flags=alarm.flags() if alarm else [],
                isa=alarm.isa() if alarm else "A",
            )
        )

    def run_timers(self, alarms, wall, clock, strict):
        """Fire due timers of `alarms` in (deadline, order) order; strict: only deadlines before
        the instant.
        """
        while True:
            due = []
            for i, a in enumerate(alarms):
                for d, o, name, is_wall in a.timers():
                    limit = wall if is_wall else clock
                    if d < limit or (not strict and d == limit):
                        due.append((d, o, i, name, is_wall))
            if not due:
                break
            d, _, i, name, is_wall = min(due)
            a = alarms[i]
            a.s["wall"] = max(a.s["wall"], min(d, wall))
            if not is_wall:
                a.s["clock"] = max(a.s["clock"], d)
            a.fire(name, d)
        for a in alarms:
            a.s["wall"] = max(a.s["wall"], wall)
            a.s["clock"] = max(a.s["clock"], clock)

    # -- inputs
    # -------------------------------------------------------------------------
    def tick(self, at, watermark=None):
        self.run_timers(
            list(self.alarms.values()), at, at if watermark is None else watermark, False
        )
        self.notifier.tick(at)

    def reading(self, at, x):
        subject = x.get("subject", "s1")
        for rid in [x["rule"]] if "rule" in x else list(self.rules):
            a = self.alarm(rid, subject, at, at)
            t = a.accept(x, at)
            if t is None:
                a.s["wall"] = max(a.s["wall"], at)
                continue
            self.run_timers([a], at, t, True)
            a.reading(x, at, t)
            self.run_timers([a], at, t, False)
        self.notifier.tick(at)

    def command(self, at, c):
        rid, subject = c.get("rule", next(iter(self.rules), "r1")), c.get("subject", "s1")
        a = self.alarms.get((rid, subject))
        if a is None:
            return self.reject(None, dict(c, rule=rid, subject=subject), at, "unknown_alarm")
        t = max(a.s["wall"], at)
        self.run_timers([a], t, a.s["clock"], True)
        a.command(c, t)
        self.run_timers([a], t, a.s["clock"], False)
        self.notifier.tick(at)

    def control(self, at, fn):
        """rule / declare / gone / inhibit inputs move both clocks."""
        for a in fn["alarms"]:
            t = max(a.s["clock"], at)
            self.run_timers([a], at, t, True)
            fn["do"](a, t)
            self.run_timers([a], at, t, False)
        self.notifier.tick(at)

    def set_rule(self, at, raw):
        new = Rule(raw)
        self.rules[new.id] = new
        self.control(
            at,
            dict(
                alarms=[a for (r, _), a in self.alarms.items() if r == new.id],
                do=lambda a, t: a.change_rule(new, t),
            ),
        )

    def declare(self, at, rule, subject):
        def do(a, t):
            a.s["last_good"] = t if a.s["last_good"] is None else a.s["last_good"]

        self.control(at, dict(alarms=[self.alarm(rule, subject, wall=at)], do=do))

    def drop(self, at, keys, reason):
        for key in keys:
            a = self.alarms.get(key)
            if a is None:
                continue

            def do(a, t):
                s = a.s
                if s["seq"]:
                    s.update(
                        active=False,
                        acked=True,
                        shelved=None,
                        until=None,
                        manual=False,
                        inhibitors=[],
                        inh_until=None,
                        oos=False,
                        latched=False,
                        no_data=False,
                        flapping=False,
                        phase="normal",
                    )
                    a.emit("removed", t, reason)
                s["enabled"] = False  # no timer may run on it any more

            self.control(at, dict(alarms=[a], do=do))
            self.tombs[key] = {"occ": a.s["occ"], "seq": a.s["seq"]}
            del self.alarms[key]

    # -- snapshot
    # -------------------------------------------------------------------------
    def snapshot(self):
        return json.dumps(
            {
                "v": 1,
                "rules": [r.raw for r in self.rules.values()],
                "alarms": [[r, sub, a.s] for (r, sub), a in self.alarms.items()],
                "tombs": [[r, sub, x] for (r, sub), x in self.tombs.items()],
                "notifier": self.notifier.g,
            }
        )

    @classmethod
    def restore(cls, text, run=""):
        d = json.loads(text)
        e = cls([Rule(r) for r in d["rules"]], run)
        e.alarms = {(r, sub): Alarm(e, e.rules[r], sub, s) for r, sub, s in d["alarms"]}
        e.tombs = {(r, sub): x for r, sub, x in d["tombs"]}
        e.notifier.g = d["notifier"]
        return e


class Notifier:
    """Grouping, repeat and flood control on top of annunciated transitions (wall time)."""

    def __init__(self, engine):
        self.engine, self.g, self.sent, self.places = engine, {}, [], {}

    def group(self, alarm):
        r = alarm.rule
        labels = dict(r.labels, rule=r.id, subject=alarm.subject)
        key = json.dumps([[n, labels.get(n, "")] for n in r.group_by])
        cfg = dict(wait=r.group_wait, interval=r.group_interval, repeat=r.repeat, flood=r.flood)
        g = self.g.setdefault(
            key, dict(key=key, members={}, due=None, last=None, acts=[], flood=False)
        )
        g["cfg"] = cfg
        return g

    def see(self, alarm, tr):
        if alarm.rule.group_by is None:
            return
        g, name, now = self.group(alarm), f"{tr['rule']}/{tr['subject']}", tr["recorded"]
        g = self.follow(g, name, tr["event"])
        m = g["members"].get(name)
        if tr["annunciate"]:
            self.places[name] = g["key"]
            g["members"][name] = dict(
                state="firing",
                told=bool(m and m["told"]),
                acked="unacked" not in tr["flags"],
                news=True,
            )
            g["acts"].append(now)
            fl = g["cfg"]["flood"]
            if fl:
                g["acts"] = [a for a in g["acts"] if a > now - secs(fl["window"])]
                if not g["flood"] and len(g["acts"]) >= fl["limit"]:
                    g.update(flood=True, due=now)
                    return self.flush(g, now, "flood_on")
            self.plan(g, now)
        elif m and tr["event"] in ("returned", "removed", "disabled"):
            if m["told"]:
                m.update(state="resolved", news=True)
                self.plan(g, now)
            else:
                self.forget(g, name)
        elif m:
            m["acked"] = "unacked" not in tr["flags"]
            if tr["event"] == "acked" and m["state"] == "firing":  # seen before it was told
                if not m["told"]:
                    return self.forget(g, name)
                self.no_news(g, m)
            if alarm.masked() and not m["told"]:
                self.forget(g, name)
            elif alarm.masked() and m["state"] == "firing":
                m["state"] = "muted"
                self.no_news(g, m)
            elif not alarm.masked() and m["state"] == "muted":
                m["state"] = "firing"

    def follow(self, g, name, event):
        """A member whose group fields have changed moves; its end is told where it was told."""
        old = self.g.get(self.places.get(name))
        if old is None or old is g or name not in old["members"]:
            return g
        if event in ("returned", "removed", "disabled"):
            old["cfg"] = g["cfg"]
            return old
        m = old["members"][name]
        if g["last"] is None and m["told"]:
            g["last"] = old["last"]
        self.forget(old, name)
        g["members"][name], self.places[name] = m, g["key"]
        return g

    def forget(self, g, name):
        del g["members"][name]
        self.places.pop(name, None)
        if not g["members"] and not g["flood"]:
            g["last"] = None
        self.no_news(g, {})

    def no_news(self, g, m):
        m["news"] = False
        if not any(m["news"] for m in g["members"].values()):
            g["due"] = None

    def plan(self, g, now):
        c = g["cfg"]
        due = (
            now + c["wait"]
            if g["last"] is None
            else max(now, g["last"] + (secs(c["flood"]["window"]) if g["flood"] else c["interval"]))
        )
        g["due"] = due if g["due"] is None else min(g["due"], due)

    def flush(self, g, now, kind):
        firing = sorted(n for n, m in g["members"].items() if m["state"] == "firing")
        resolved = sorted(n for n, m in g["members"].items() if m["state"] == "resolved")
        self.sent.append(
            dict(at=now, kind=kind, group=json.loads(g["key"]), firing=firing, resolved=resolved)
        )
        for n in resolved:
            del g["members"][n]
            self.places.pop(n, None)
        for m in g["members"].values():
            m.update(told=True, news=False)
        g.update(last=now if g["members"] or g["flood"] else None, due=None)

    def calm(self, g):
        """When a flood is over by itself: fewer than half as many annunciations in the span."""
        fl = g["cfg"]["flood"]
        if not fl:
            return g["last"]
        few = math.ceil(fl["limit"] / 2) - 1
        acts = g["acts"]
        ends = acts[len(acts) - few - 1] + secs(fl["window"]) if len(acts) > few else g["last"]
        return max(ends, g["last"])

    def tick(self, now):
        for g in self.g.values():
            fl = g["cfg"]["flood"]
            while True:
                repeat = None
                if g["last"] is not None and any(
                    m["state"] == "firing" and not m["acked"] for m in g["members"].values()
                ):
                    repeat = g["last"] + g["cfg"]["repeat"]
                planned = None
                if g["due"] is not None:
                    planned = (g["due"], "first" if g["last"] is None else "update")
                if g["flood"] and (planned is None or self.calm(g) <= planned[0]):
                    planned = (self.calm(g), "flood_off")
                if planned is not None and planned[0] <= now:
                    at, kind = planned
                elif repeat is not None and repeat <= now:
                    at, kind = repeat, "repeat"
                else:
                    break
                if g["flood"]:
                    g["acts"] = [a for a in g["acts"] if not fl or a > at - secs(fl["window"])]
                    if kind == "flood_off" or not fl or len(g["acts"]) < fl["limit"] / 2:
                        g["flood"], kind = False, "flood_off"
                self.flush(g, at, kind)


# ---------------------------------------------------------------------------
# vectors
def feed(e, step):
    at = secs(step["at"])
    ((kind, x),) = [(k, v) for k, v in step.items() if k not in ("at", "note")]
    if kind == "reading":
        x = dict(x) if isinstance(x, dict) else {"value": x}
        if "ts" in x:
            x["ts"] = secs(x["ts"])
        e.reading(at, x)
    elif kind == "command":
        e.command(at, dict(x) if isinstance(x, dict) else {"do": x})
    elif kind == "tick":
        e.tick(at, secs(x.get("watermark")) if isinstance(x, dict) else None)
    elif kind == "rule":
        e.set_rule(at, x)
    elif kind == "edit":
        rid = x.get("id", next(iter(e.rules)))
        e.set_rule(at, {k: v for k, v in dict(e.rules[rid].raw, **x).items() if v is not None})
    elif kind == "remove_rule":
        e.drop(at, [k for k in e.alarms if k[0] == x], "rule_removed")
        e.rules.pop(x)
    elif kind == "declare":
        e.declare(at, next(iter(e.rules)), x)
    elif kind == "gone":
        keys = sorted(
            (k for k in e.alarms if k[1] == x), key=lambda k: not e.rules[k[0]].suppress_when
        )
        e.drop(at, keys, "subject_gone")
    elif kind == "inhibit":
        a = e.alarm(x.get("rule", next(iter(e.rules))), x.get("subject", "s1"), wall=at)
        e.control(at, dict(alarms=[a], do=lambda a, t: a.inhibit(x["source"], x["active"], t)))
    else:
        raise ValueError(f"unknown step {kind!r}")
