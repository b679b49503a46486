"""What only executors may call: register, claim, report, heartbeat, release, snapshots, secrets."""
