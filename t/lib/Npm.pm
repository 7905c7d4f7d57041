package Npm;

# Packages from npm by a lock file, once for all variants of the build.

use strict;
use warnings;
use Exporter 'import';
use Fcntl qw(LOCK_EX);
use File::Basename qw(basename);
use File::Copy qw(copy);
use File::Path qw(make_path);
our @EXPORT_OK = qw(npm_missing npm_install);

sub _slurp {
	open my $f, '<:raw', $_[0] or return '';
	local $/;
	return scalar <$f> // '';
}

# Why nothing can be installed or run, if so.
sub npm_missing {
	my ($least) = @_;
	my ($node) = (`node --version 2>/dev/null` // '') =~ /^v(\d+)/;

	return 'node is not installed' unless $node;
	return "node $least is needed, not $node" if $node < $least;
	return 'npm is not installed' unless `npm --version 2>/dev/null`;
	return;
}

# What npm said, where it failed.
sub _ci {
	my ($dir, $scripts) = @_;
	my $lock = "$dir/package-lock.json";
	# ci refuses a lock whose optional packages are of other systems.
	my $flags = $scripts ? 'install --no-save' : 'ci --ignore-scripts';

	return if -d "$dir/node_modules" &&
	    _slurp("$dir/installed") eq _slurp($lock);
	unlink "$dir/installed";
	my $said = `cd '$dir' && npm $flags --no-audit --no-fund \\
	    --fetch-retries=1 --fetch-timeout=20000 </dev/null 2>&1`;
	if ($?) {
		my ($why) = $said =~ /^npm (?:ERR!|error) (.*\S.*)$/m;
		return $why // "npm: status $?";
	}
	copy($lock, "$dir/installed") or die "$dir/installed: $!";
	return;
}

# Copies the files of a directory and installs what its lock file names;
# returns why not.  With scripts, the packages' own run, too.
sub npm_install {
	my ($from, $dir, $scripts) = @_;

	make_path($dir);
	open my $lock, '>', "$dir/lock" or die "$dir/lock: $!";
	flock $lock, LOCK_EX or die "flock: $!";
	for (glob("$from/*"), "$from/.npmrc") {
		my $to = "$dir/" . basename($_);

		next if -d $_ || _slurp($to) eq _slurp($_);
		copy($_, $to) or die "$to: $!";
	}
	return _ci($dir, $scripts);
}

1;
