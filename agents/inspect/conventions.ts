/** What is usual for a language when its authors wrote no script of their own. */
import { anyPath, type ProjectFiles, type Proposals } from "./proposal.ts";

interface Convention {
  /** A tracked file at the root that shows it. */
  marker: RegExp;
  setup?: string;
  build?: string;
  test?: string;
  leaves?: string;
  /** Needed besides the marker. */
  and?: RegExp;
}

const list: Convention[] = [
  {
    marker: /^Cargo\.lock$/,
    and: /^Cargo\.toml$/,
    setup: "cargo fetch --locked",
    build: "cargo build --locked",
    test: "cargo test --locked",
    leaves: "target",
  },
  {
    marker: /^Cargo\.toml$/,
    setup: "cargo fetch",
    build: "cargo build",
    test: "cargo test",
    leaves: "target",
  },
  { marker: /^go\.mod$/, setup: "go mod download", build: "go build ./...", test: "go test ./..." },
  {
    marker: /^mvnw$/,
    and: /^pom\.xml$/,
    build: "sh mvnw -B -q compile",
    test: "sh mvnw -B test",
    leaves: "target",
  },
  { marker: /^pom\.xml$/, build: "mvn -B -q compile", test: "mvn -B test", leaves: "target" },
  {
    marker: /^gradlew$/,
    and: /^(build|settings)\.gradle(\.kts)?$/,
    build: "sh gradlew assemble",
    test: "sh gradlew test",
    leaves: "build",
  },
  {
    marker: /^build\.gradle(\.kts)?$/,
    build: "gradle assemble",
    test: "gradle test",
    leaves: "build",
  },
  {
    marker: /^CMakeLists\.txt$/,
    build: "cmake -S . -B build && cmake --build build",
    test: "ctest --test-dir build --output-on-failure",
    leaves: "build",
  },
  {
    marker: /^meson\.build$/,
    setup: "meson setup build",
    build: "meson compile -C build",
    test: "meson test -C build",
    leaves: "build",
  },
  {
    marker: /^mix\.exs$/,
    setup: "mix deps.get",
    build: "mix compile",
    test: "mix test",
    leaves: "_build",
  },
  { marker: /^Gemfile$/, and: /_spec\.rb$/, setup: "bundle install", test: "bundle exec rspec" },
  {
    marker: /^Gemfile$/,
    and: /^Rakefile$/,
    setup: "bundle install",
    test: "bundle exec rake test",
  },
  { marker: /^Gemfile$/, setup: "bundle install" },
  {
    marker: /^composer\.json$/,
    and: /^phpunit\.xml(\.dist)?$/,
    setup: "composer install",
    test: "vendor/bin/phpunit",
    leaves: "vendor",
  },
  { marker: /^composer\.json$/, setup: "composer install", leaves: "vendor" },
  {
    marker: /^[^/]+\.(sln|slnx|csproj|fsproj)$/,
    setup: "dotnet restore",
    build: "dotnet build",
    test: "dotnet test",
    leaves: "obj",
  },
  { marker: /^Package\.swift$/, build: "swift build", test: "swift test", leaves: ".build" },
  { marker: /^build\.zig$/, build: "zig build", test: "zig build test", leaves: "zig-out" },
];

export function conventions(files: ProjectFiles): Promise<Proposals> {
  const found = list.find(({ marker, and }) =>
    anyPath(files, marker) && (!and || anyPath(files, and))
  );
  return Promise.resolve(found ? proposalsOf(found, files) : {});
}

function proposalsOf(
  { marker, leaves, ...convention }: Convention,
  files: ProjectFiles,
): Proposals {
  const why = `There is ${[...files.paths].find((path) => marker.test(path))}`;
  const proposals: Proposals = {};
  for (const name of ["setup", "build", "test"] as const) {
    const command = convention[name];
    if (command) proposals[name] = { command, why, ...(leaves && { leaves }) };
  }
  return proposals;
}
