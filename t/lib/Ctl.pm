package Ctl;

# proxyctl as a test runs it: a home of its own, what it said and its exit
# status.

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Temp qw(tempdir);
use JSON::PP;
use POSIX ();
use Test::More ();

our @EXPORT = qw(ctl_program);

my $program = abs_path($ENV{BUILDDIR} // 'build/opt') . '/bin/proxyctl';
sub ctl_program { $program }

# Without a home, one is made, and goes with the object.
sub new {
	my ($class, $home) = @_;
	delete @ENV{qw(PROXYD_HOME OPENAI_API_KEY ANTHROPIC_API_KEY
	    GEMINI_API_KEY CREDENTIALS_DIRECTORY COLUMNS)};
	my $dir = tempdir('ctl-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	return bless { dir => $dir, home => $home // "$dir/home" }, $class;
}

sub home { $_[0]{home} }
sub dir { $_[0]{dir} }

sub slurp {
	my ($file) = @_;
	open my $f, '<:raw', $file or return '';
	local $/;
	return scalar <$f> // '';
}

sub spew {
	my ($self, $name, $text) = @_;
	my $file = "$self->{dir}/$name";
	open my $f, '>:raw', $file or die "$file: $!";
	print $f $text;
	close $f or die;
	return $file;
}

# (exit status, standard output, standard error); standard input is $in.
sub feed {
	my ($self, $in, @args) = @_;
	my $dir = $self->{dir};
	$self->spew('in', $in);
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', "$dir/in" or die;
		open STDOUT, '>', "$dir/out" or die;
		open STDERR, '>', "$dir/err" or die;
		exec $program, '--home', $self->{home}, @args
		    or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	my $status = $? & 127 ? 256 + $? : $? >> 8;
	my ($out, $err) = (slurp("$dir/out"), slurp("$dir/err"));
	if ($err =~ /Sanitizer|runtime error:/) {
		Test::More::fail("@args: a sanitizer has something to say");
		Test::More::diag($err);
	}
	return ($status, $out, $err);
}

sub run { my ($self, @args) = @_; return $self->feed('', @args) }

# It does what it is told; its output.
sub does {
	my ($self, $name, @args) = @_;
	my ($r, $out, $err) = $self->run(@args);
	Test::More::is($r, 0, $name) or
	    Test::More::diag("@args\nout: $out\nerr: $err");
	return wantarray ? ($out, $err) : $out;
}

sub json {
	my ($self, $name, @args) = @_;
	my $out = $self->does($name, @args, '--json');
	my $j = eval { JSON::PP->new->utf8->allow_nonref->decode($out) };
	defined $j or Test::More::diag("no JSON: $out");
	return $j;
}

# It refuses, and says why on standard error, and nothing elsewhere.
sub refused {
	my ($self, $re, $name, @args) = @_;
	my ($r, $out, $err) = $self->run(@args);
	Test::More::is($r, 1, "$name: exit status 1") or
	    Test::More::diag($out);
	Test::More::like($err, $re, "$name: why");
	Test::More::is($out, '', "$name: nothing on standard output");
}

1;
