# What a careful job does: it has a secret in its environment and nowhere else. It starts a login shell, git and Node.
git status >/dev/null
bash -lc true
/opt/node/bin/node -e 0
sleep 4
echo TRIED
