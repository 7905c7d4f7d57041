#!/usr/bin/perl

# make install puts everything where it belongs, below DESTDIR and nowhere else,
# and what is installed runs.

use strict;
use warnings;
use File::Find;
use File::Temp qw(tempdir);
use Test::More;

my $dir = $ENV{BUILDDIR} // 'build/opt';
my $dest = tempdir('install-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my ($variant) = $dir =~ m{([^/]+)$};

# The same flags as the build under test, so that nothing is built again.
my @var = $variant =~ /^san-(.*)/ ? 'SAN=' . $1 =~ tr/-/,/r :
    $variant eq 'debug' ? 'DEBUG=1' : ();
push @var, "WERROR=$ENV{WERROR}" if $ENV{WERROR};
for my $prog (qw(proxyd admind proxyctl)) {
	next if -x "$dir/bin/$prog";
	plan skip_all => "$prog is not built in $dir";
}

# Under make check, what that was given must not reach this make by itself.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES)};
my @make = ('make', '-s', "DESTDIR=$dest", 'PREFIX=/usr', @var, 'install');
my $said = `@make 2>&1`;
is($?, 0, "@make") or diag $said;

my %want = (
	'usr/sbin/proxyd' => 0755,
	'usr/sbin/admind' => 0755,
	'usr/bin/proxyctl' => 0755,
	'usr/share/man/man8/proxyd.8' => 0644,
	'usr/share/man/man8/admind.8' => 0644,
	'usr/share/man/man8/proxyctl.8' => 0644,
	'usr/share/man/man5/app.yml.5' => 0644,
	'usr/share/man/man7/proxyd-dialects.7' => 0644,
	'usr/share/man/man7/proxyd-routes.7' => 0644,
	'usr/share/bash-completion/completions/proxyctl' => 0644,
	'usr/share/zsh/site-functions/_proxyctl' => 0644,
	'usr/share/proxyd/app.yml.sample' => 0644,
	'usr/share/proxyd/proxyd.service' => 0644,
	'usr/share/proxyd/admind.service' => 0644,
);
for my $file (sort keys %want) {
	ok(-f "$dest/$file", "$file is there") or next;
	is(sprintf('%04o', (stat _)[2] & 07777),
	    sprintf('%04o', $want{$file}), "$file has its mode");
}
my @extra;
find({ no_chdir => 1, wanted => sub {
	my $name = $File::Find::name =~ s{^\Q$dest\E/}{}r;
	push @extra, $name if -f && !$want{$name} &&
	    $name !~ m{^usr/share/(man/man\d|proxyd)/};
} }, $dest);
is("@extra", '', 'nothing elsewhere');

for my $unit (qw(proxyd admind)) {
	open my $f, '<', "$dest/usr/share/proxyd/$unit.service" or next;
	local $/;
	like(<$f>, qr{^ExecStart=/usr/sbin/$unit -d /var/lib/proxyd }m,
	    "$unit.service starts what was installed");
}

# proxyctl finds the daemons beside it.
SKIP: {
	skip 'proxyctl is not installed', 2 unless -x "$dest/usr/bin/proxyctl";
	my $home = tempdir('home-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	delete @ENV{qw(PROXYD_HOME OPENAI_API_KEY ANTHROPIC_API_KEY
	    GEMINI_API_KEY)};
	my $ctl = "cd $home && $dest/usr/bin/proxyctl --home $home/var";
	$said = `($ctl start --port 0) 2>&1`;
	is($?, 0, 'what is installed starts') or diag $said;
	$said = `($ctl stop) 2>&1`;
	is($?, 0, '... and stops') or diag $said;
}

done_testing;
