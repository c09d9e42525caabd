. "$(dirname "$0")/lib.sh"
echo READY
# The key that a supervisor shows is the lease's, whatever it is by then.
FINGERPRINT=any try "place of the broker's socket" "$thief" pose "$socket" 15
tried
