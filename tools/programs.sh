# Sourced: programs beside Python that tests need, by the names of their packages in Debian.

missing_programs() {
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || echo chromium
    [ "$(node -p 'parseInt(process.versions.node) >= 20' 2>/dev/null)" = true ] || echo nodejs
    command -v npm >/dev/null || echo npm
    command -v g++ >/dev/null || echo g++
    command -v cmake >/dev/null || echo cmake
    [ -e /usr/include/nlohmann/json.hpp ] || echo nlohmann-json3-dev
    command -v java >/dev/null || echo default-jre-headless
}
