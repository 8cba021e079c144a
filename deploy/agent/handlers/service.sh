# Shared by the steps of a service; not run by the agent.
service=${DML_PACKAGE##*/}
root=${DML_SERVICE_ROOT:-/opt/services}/$service

version_folder() {
  digest=${2#sha256:}
  echo "$root/$1-$(printf %.12s "$digest")"
}

# Makes a version the one that runs; "": none.
switch_to() {
  if [ -z "$1" ]; then
    systemctl disable --now "$service.service" || true
    rm -f "$root/current"
    return
  fi
  ln -sfn "$1" "$root/current.new"
  mv -T "$root/current.new" "$root/current"
  systemctl enable "$service.service"
  systemctl restart "$service.service"
}
